"""chainrule beside its peers: the same work in the same run, and what each needs for it."""
