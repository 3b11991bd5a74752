"""What a second training of one archive is given by the first: facts and their arithmetic, no store, no service."""
