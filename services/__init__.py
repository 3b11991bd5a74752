"""The services of convtailor, one package each; none imports another, `onebox` alone starts them all."""
