"""What is proven, cheapest truth first; ``stages`` says in which order."""
