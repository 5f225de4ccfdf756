"""The sandbox of commands: `policy` plans it, `confinement` puts it into effect, for bubblewrap or `landlock`."""
