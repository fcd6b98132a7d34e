
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sales', '0007_pictures'),
    ]

    operations = [
        migrations.AlterField(
            model_name='order',
            name='reference',
            field=models.CharField(editable=False, max_length=8, verbose_name='reference'),
        ),
    ]
