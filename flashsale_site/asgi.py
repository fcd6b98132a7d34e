"""The site as gunicorn calls it with uvicorn's worker: the lane, and behind it everything else."""

from flashsale_site import reading
from flashsale_site.wsgi import application as wsgi  # sets Django up, so it comes before the lane
from sales.lane.app import Lane

application = Lane(wsgi, threads=reading.read().web_threads)
