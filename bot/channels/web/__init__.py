"""The web chat: a page, its session, and a socket that speaks Rasa's socket.io protocol."""
