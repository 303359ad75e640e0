"""What one visitor handed over: images, a network, labelled data. It lives in the session of that
visitor and nowhere else, and is gone with it. Draws nothing."""
