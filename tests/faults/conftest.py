"""What is between the processes and a PostgreSQL is tested where there is one: with TEST_DATABASE_URL."""

import os

collect_ignore = [] if os.environ.get("TEST_DATABASE_URL") else ["test_backends.py", "test_database_partitions.py"]
