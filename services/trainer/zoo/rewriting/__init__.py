"""Networks written anew that compute the same with other layers; no weights are found here and nothing is trained."""
