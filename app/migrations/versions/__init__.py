"""The steps, in order. What was released is never edited."""
