"""How people come in and are kept out: log-ins, limits, sessions, second factors, tokens, invitations."""
