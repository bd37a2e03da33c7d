"""The lab: a page on which a network learns, and each of its numbers can be followed back."""
