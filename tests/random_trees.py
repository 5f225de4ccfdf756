"""Folders with repositories, links and ignore files in them, by chance."""

import os
import random
import subprocess
from pathlib import Path

FOLDERS = ("a", "b", "c", "node_modules", "build", ".hidden", "-d", "[x]*", ":(top)", "with space", "é", "\udcff")
FILES = (*FOLDERS, "x.log", "y.c", "new\nline")
PATTERNS = (
    *("*.log", "build/", "/a", "node_modules", "!a/b", "/*", "!/b", "a/**", "!*.c", "*", "!*/", "!x.log", "b/c"),
    *("/.hidden", "[[]x*", "**/c", "!build/"),
)


def random_tree(root: Path, seed: int, *, repository: bool = True) -> list[Path]:
    """Returns its folders."""
    chance = random.Random(seed)
    if repository:
        subprocess.run(["git", "init", "-q", root], check=True)
    folders = [root]
    for _ in range(chance.randint(5, 30)):
        kind = chance.random()
        path = chance.choice(folders) / chance.choice(FOLDERS if kind < 0.6 else FILES)
        if os.path.lexists(path):
            continue
        if kind < 0.6:
            path.mkdir()
            folders.append(path)
            if kind < 0.07:
                subprocess.run(["git", "init", "-q", path], check=True)
        elif kind < 0.9:
            path.write_text("needle\n")
        else:
            path.symlink_to(chance.choice(["a", "..", "nowhere"]))
    for folder in folders:
        if chance.random() < 0.3:
            (folder / ".gitignore").write_text("\n".join(chance.sample(PATTERNS, chance.randint(1, 4))) + "\n")
    if repository and chance.random() < 0.5:
        subprocess.run(["git", "add", "."], cwd=root, capture_output=True, check=False)
    return folders
