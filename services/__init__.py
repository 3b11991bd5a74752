"""The services of convtailor, one package each; none imports another but `onebox`, which starts them all."""
