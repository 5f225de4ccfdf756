"""How a page is fetched (`fetching`), from where (`urls`), and what of it is text (`pages`)."""
