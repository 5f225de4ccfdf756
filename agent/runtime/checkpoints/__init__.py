"""Every change of the agent can be taken back: `recorder` notes how the workspace was, `restores` brings it back."""
