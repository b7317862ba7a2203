"""Mail filter for single mails, and as a spamd server.

Read the files in this order:

    envelope.py   a mail's bytes: headers of ours removed and added, nothing else touched
    judge.py      one mail to a verdict
    reasons.py    the words that weighed most
    protocol.py   SpamAssassin's spamd protocol: requests and responses as bytes
    daemon.py     the server: connections, bounds, signals
"""
