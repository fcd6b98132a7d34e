"""The language switch at the foot of each page: a plain form that keeps the choice in a cookie.

It takes no CSRF token, because pages that are written once for all visitors hold nothing of one of them; and all that
another site could do with it is change the language in which somebody reads. Django sends the browser back where it
was (the Referer, if it is ours).
"""

from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

choose = csrf_exempt(set_language)
