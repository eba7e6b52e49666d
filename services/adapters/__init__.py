"""One folder per outside system; each fits a port and imports nothing of ours but ports and domain."""
