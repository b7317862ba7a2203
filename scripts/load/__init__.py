"""What scripts/load_test is made of: a client, bodies to send, a server to send them to."""
