"""What is generated from the catalogue of metrics: the page that lists them."""
