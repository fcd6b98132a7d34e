"""The JSON edge: Django views around `sales.answers`, and the description of the API for programs."""
