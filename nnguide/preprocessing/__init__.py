"""From what a person hands over to what a network takes; each layer travels with its model."""
