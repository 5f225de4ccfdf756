"""Command lines as models write them every day, and those that change more than files, by what their words say."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundtrip.agent.rules.approvals import Ask, Decision, Disk, Rules, decide
from roundtrip.agent.tooling import Intent

pytestmark = pytest.mark.once

ROOT, HOME = Path("/home/u/project"), Path("/home/u")
RULES = Rules(ROOT, mode="auto", home=HOME, private=(HOME / ".config/roundtrip",), temporary=(Path("/tmp"),))
FOLDERS = {ROOT / name for name in ("sub", "frontend", "src")}
LINKS = {
    ROOT / "klink": HOME / ".ssh/id_rsa",
    ROOT / "away": Path("/opt/away"),
    ROOT / "away/..": Path("/opt"),
    ROOT / "away/../x": Path("/opt/x"),
}
DISK = Disk(
    real=lambda path: LINKS.get(path) or LINKS.get(normal := Path(os.path.normpath(path)), normal),
    is_folder=lambda path: path in FOLDERS,
)


def decided(line: str) -> Decision:
    return decide(Intent("runs", (ROOT,), line), RULES, DISK)


FREE = r"""
make
make -j4 test
make clean && make all
cmake -S . -B build && cmake --build build -j8
mkdir -p build && cd build && cmake .. && make -j$(nproc)
mkdir -p build && cd build && cmake .. && cp app ../bin/
./gradlew build
mvn -q test
python -m pytest -q tests/test_a.py -k 'x and not y'
pytest -x --tb=short 2>&1 | tail -40
uv run pytest -q | tee pytest.log
python -m venv .venv && .venv/bin/pip install -e .
pip install -r requirements.txt
python - <<'EOF'
tox -e py311
mypy --strict src && ruff check --fix .
coverage run -m pytest && coverage report -m
npm ci
npm install --save-dev typescript
npm run build -- --mode production
npm test -- --watch=false
npx tsc --noEmit
npx eslint 'src/**/*.{ts,tsx}' --fix
pnpm -r build
yarn workspace web test
NODE_ENV=production node scripts/build.mjs
node -e 'console.log(process.env)'
node -p process.env
cargo build --release
cargo test -p core -- --nocapture
cargo clippy --all-targets -- -D warnings
cargo run --bin app -- --input data/x.json > out.txt
go build ./...
go test -race ./... 2>&1 | grep -v '^ok'
go vet ./... && gofmt -l .
docker build -t app:dev .
docker compose up -d && docker compose logs --tail=50 web
docker run --rm -v "$PWD":/src -w /src golang:1.22 go test ./...
git status --short
git diff --stat HEAD~1
git add -A && git commit -m "Fix the parser"
git commit -m "fix: read a/.env"
git commit -am 'config: prod.env is read before .env'
git commit --message="docs: .env, .npmrc"
git commit -m "$(cat <<'EOF'
git tag -a v1.0 -m "reads .env"
git stash push -m "wip: .env" && git pull --rebase && git stash pop
git checkout -b feature/x
git log --oneline -- src/a.py | head -5
git grep -n process.env src
git grep -n -e .env -- src
git mv old.py new.py
git rm -r --cached build
gh pr create --title "Read .env" --body "It reads a/.env now"
grep -rn "TODO" src/ | wc -l
grep -r process.env src/
grep -rn import.meta.env src
grep -rn --exclude-dir=.git --exclude='*.env' -e foo .
grep -E "^(a|b)\.env" README.md
rg "process\.env"
rg -n process.env -g '*.ts' -g '!.env' src
rg -e .env -e .npmrc docs
jq .env package.json
yq .services.web.env compose.yml
jq -r '.scripts.env' package.json
sed -n '1,80p' src/a.py
sed -i '/foo/d' f
sed -i '/^$/d' a.py
sed -i.bak 's/old/new/g' src/*.py
sed -i -e '/a/d' -e 's/x/y/' f
sed -i '' 's/a/b/' src/a.py
sed -Ei 's#/usr/lib#/opt/lib#' config/paths.txt
find src -name '*.py' -exec sed -i '/^import x/d' {} +
perl -pi -e 's/a/b/' src/a.py
perl -0777 -i -pe 's#/x/y#/z#s' src/a.py
awk -F: '/env/ {print $1}' data.txt > names.txt
awk '/.env/' README.md
find . -name '*.pyc' -delete
find . -type f -newer a.py -print0 | xargs -0 wc -l
rm -rf build/* *.pyc
rm -rf node_modules dist .next .cache && npm ci
rm -f *.log tmp/*.json src/{a,b}.o
rm -rf ./build ./dist
rm -- -odd
mkdir -p src/{api,core}/tests
touch src/a.py src/b.py
touch -d '2 days ago' src/a.py
chmod +x scripts/*.sh
chmod -R u+w .
cp -r templates/* .
cp README.md docs/index.md
cp -t build/assets img/a.png img/b.png
mv src/a.py src/b.py lib/
mv build/app .
ln -s ../lib/x.so lib/x.so
install -m 755 build/app bin/app
rsync -a --delete src/ build/src/
echo "see .env" && echo 'copy .env.example to .env'
printf '%s\n' a b > list.txt
echo "x" >> notes.md
cat > src/new.py <<'EOF'
cat <<'EOF' > docs/a.md
tee src/config.json < /tmp/x
curl -sSL https://example.org/data.json -o data/data.json
curl -fsSLo tools/x.tgz https://example.org/x.tgz
curl -LO https://example.org/pkg/x-1.0.tgz?raw=1
curl -s -X POST -H 'Accept: a/b' -d '{"a": 1}' http://localhost:8000/api | jq .env
wget -qO- https://example.org/x.txt | head
wget -q https://example.org/data/set.csv
wget -P data https://example.org/set.csv
tar xzf x.tgz -C vendor
tar czf dist/app.tgz --exclude=.git src
tar -C build -cf - . | gzip > build.tgz
gzip -9 data/blob
find . -name __pycache__ -type d -prune -exec rm -rf {} +
find build -delete
find . -empty -type d -delete
gcc -O2 -Wall -I../include -std=c++17 -o bin/x src/x.c -lm
go build -o bin/app -ldflags "-s -w" ./cmd/app
patch -p1 < fix.diff
git clone --depth 1 https://example.org/a/b.git vendor/b
git log -S'/api' --format='%h %s' -- src
git init -q
test -f .env || cp .env.example config.txt
echo .env >> .gitignore
tar -xzf x.tgz --strip-components=1 -C build
unzip -qo a.zip -d vendor/a
sort -u -o names.txt names.txt
sort -t/ -k2 list.txt
dd if=/dev/zero of=data/blob bs=1M count=1
ls -la && pwd
cp
mv -v
ln -s
tar
find
git clone
curl -O
sed -i
sed -i '' x
git
cat --
cd sub && rm -rf ../build
cd sub; rm -rf ../build
cd sub/ && rm -rf ../build/ && ls
cd frontend && npm run build && cp -r dist ../public
cd frontend; npm run build; cp -r dist ../public
cd frontend && npm run build 2>&1 | tail -5 && cp -r dist ../public
cd frontend && npm run build > ../build.log 2>&1
cd sub && for f in *.py; do cp $f ../lib/; done
cd sub && (make -s) && mv app ../bin/app
cd sub && make && cd .. && rm -rf build && cd frontend && cp a ../b
set -e; cd frontend; npm ci; mv dist ../public
cd /home/u/project/frontend && cp -r dist ../public
cd sub && bash -c 'rm -rf ../build'
cd sub && \
""".strip().splitlines()

BODIES = {
    "cd sub && \\": "make && \\\n  mv app ../app",
    "git commit -m \"$(cat <<'EOF'": 'Read a/.env\nEOF\n)"',
    **{line: "import a\nprint('.env')\nEOF" for line in FREE if line.startswith(("python - ", "cat "))},
}
"""How lines go on."""


@pytest.mark.parametrize("line", FREE)
def test_what_is_free_in_auto(line: str) -> None:
    assert not isinstance(decided("\n".join([line, *filter(None, [BODIES.get(line)])])), Ask)


ASKED = {
    "protected": r"""
mv AGENTS.md old.md
mv -t sub .envrc
git mv AGENTS.md x.md
git rm -f AGENTS.md
cp -t .vscode x
cp x -t .vscode
cp --target-directory=.vscode x
cp --target-directory .vscode x
cp --target=.vscode x
cp -rt . x/.vscode
cp -at.vscode x
install -Dm644 x .vscode/tasks.json
curl -sLo .envrc https://x.org/a
curl -fsSLo .envrc https://x.org/a
curl -so .envrc https://x.org/a
curl -o.envrc https://x.org/a
curl --output=.envrc https://x.org/a
curl --outp .envrc https://x.org/a
curl -O https://x.org/.envrc
curl -sSLO https://x.org/a/AGENTS.md?x=1#y
curl --remote-name https://x.org/.envrc
curl -O --output-dir .vscode https://x.org/tasks.json
curl -D .envrc https://x.org/
wget -qO .envrc https://x.org/a
wget -qO.envrc https://x.org/a
wget https://x.org/.envrc
wget -q -P .vscode https://x.org/tasks.json
wget -P sub https://x.org/AGENTS.md
wget -o .envrc https://x.org/
sort -uo .envrc x
sort -uo.envrc x
tar -C.vscode -xf x.tar
tar xf x.tar -C.vscode
tar --directory=.vscode -xf x.tar
tee AGENT*
tee AGENTS.{md,txt}
rm -f AGENTS.*
rm -f ?GENTS.md
rm -rf .g*
rm -rf .*
rm -rf sub/.vsc*
sed -i s/a/b/ AGENT?.md
cp x .env[r]c
cp x/.v* .
cp -r x/.vs* sub/
ln x/AGENTS.md
ln -s ../x/.envrc
rm -rf /home/u/project
rm -rf "$PWD"
rm -rf /home/u/project/.git
rm -rf sub/..
cd sub && rm -rf ..
mv /home/u/project /tmp/x
sed -i '/x/d' AGENTS.md
sed -i -e '/x/d' AGENTS.md
sed -ni '/x/p' AGENTS.md
sed --in-place=.bak --expression=/x/d AGENTS.md
sed --in-place -f x.sed AGENTS.md
sed --in-p=.bak p AGENTS.md
sed -i '' '/x/d' AGENTS.md
perl -i.bak -pe 's/a/b/' .bashrc
perl -i x.pl .bashrc
grep x .env
grep -f .env x
grep -e x .env
grep --file=.env x
grep -A 3 x .env
rg -f .env
rg --files .env
grep '' .env
grep -c '' .env
sed '' .env
sed -i '' .env
jq '' .env
rg x .env
git grep --no-index x .env
jq -f .env x
jq . .env
yq . .env
yq -i .a AGENTS.md
awk -f .env x
awk '{print}' .env
git add .env
git commit -F .env
sed -n p .env
cat .env
echo $(cat .env)
docker run --env-file .env x
gh pr create -F .env
rm -- AGENTS.md
cd sub && echo x > ../AGENTS.md
cd sub && bash -c 'echo x > ../AGENTS.md'
cat klink
cat sub/../klink
find . -delete
find . -mindepth 1 -depth -delete
find -delete
find sub/.. -delete
gzip AGENTS.md
ruby -i -pe 'x' AGENTS.md
x | sponge AGENTS.md
tar cf AGENTS.md x
tar -czf .envrc x
gcc -o .envrc x.c
go build -o .envrc
git diff --output=.envrc
git archive -o .envrc HEAD
patch AGENTS.md x.diff
rsync -a --backup-dir=.vscode x/ y/
""",
    "outside": r"""
mv ~/Documents/x .
mv /etc/x y.txt
cp -t /opt x
cp -t ~ x
cp --target-directory=$HOME x
rm -rf away/../x
cd away && rm -rf ../x
sed -i /x/d /etc/hosts
curl -LO --output-dir /opt https://x.org/a
tar xzf a.tgz -C/opt
sort -uo /opt/x x
cd sub && rm -rf ../../x
find /opt/x -name two -delete
cd /opt && find . -name x -delete
tar czf ../x.tgz .
git init /opt/x
git clone https://x.org/a ../a
git worktree add -b x ../wt
gzip /opt/x
cd sub || rm -rf ../x
cd sub && make || rm -rf ../x
cd sub & rm -rf ../x
cd sub && make & rm -rf ../x
cd sub | rm -rf ../x
true | cd sub && rm -rf ../x
true |
(cd sub) && rm -rf ../x
(cd sub && ls); rm -rf ../x
{ cd sub; rm -rf ../x; }
if true; then cd sub; fi; rm -rf ../x
for d in sub; do cd $d; done; rm -rf ../x
while read d; do cd sub; done; rm -rf ../x
! cd sub && rm -rf ../x
ls $(cd sub) && rm -rf ../x
sh -c 'cd sub' && rm -rf ../x
sh -c 'cd sub && rm -rf ../x'
command cd sub && rm -rf ../x
pushd sub && rm -rf ../x
cd sub && popd && rm -rf ../x
cd sub && cd - && rm -rf ../x
cd sub && cd && rm -rf x
cd $x && rm -rf ../x
cd sub > ../x
cd sub > /dev/null && rm -rf ../x
cd missing; rm -rf ../x
rm -r sub; cd sub; rm -rf ../x
rm -r sub && cd sub; rm -rf ../x
cd sub && cd missing; rm -rf ../../x
HOME=/opt; cd ~/project/sub && rm -rf ../x; touch ../x
CDPATH=/opt; cd sub && rm -rf ../x
cat <<EOF && cd sub && rm -rf ../x
cat <<EOF || cd sub
cd sub <<EOF | cat
cd ..; touch x
rm -rf ../x && cd sub
""",
}
MORE = {
    "true |": "cd sub\nrm -rf ../x",
    "cat <<EOF && cd sub && rm -rf ../x": "EOF",
    "cat <<EOF || cd sub": "EOF\nrm -rf ../x",
    "cd sub <<EOF | cat": "EOF\nrm -rf ../x",
}


@pytest.mark.parametrize(
    ("line", "kind"), [(line, kind) for kind, lines in ASKED.items() for line in lines.strip().splitlines()]
)
def test_what_is_asked_in_auto(line: str, kind: str) -> None:
    decision = decided(f"{line}\n{MORE[line]}" if line in MORE else line)
    assert isinstance(decision, Ask)
    assert decision.kind == kind


MOVES = ["cd sub", "cd sub", "cd missing", "cd sub/in", "cd ..", "cd -", "cd", "cd sub > log"]
WRITES = ["touch ../m", "touch ../m", "true > ../m", "mv f ../m", "echo x | tee ../m"]
AROUND = ["@", "@", "@", "@", "(@)", "{ @; }", "! @", "if true; then @; fi", "for i in 1; do @; done", "ls $(@)"]
AROUND += ["sh -c '@'"]
AROUND += ["@ | cat", "true | @", "@ & wait", "@ <<E\nx\nE", "cat <<E && @\nx\nE", "command @"]
JOINTS = [" && ", " && ", "; ", "\n", " || ", " | ", " & ", " &&\n", " && true | "]


@st.composite
def moving(draw: st.DrawFn) -> str:
    """A line that changes the folder, and writes beside it."""
    middle = st.sampled_from([*MOVES, "true", "false"])
    parts = [draw(st.sampled_from(MOVES)), *draw(st.lists(middle, max_size=2)), draw(st.sampled_from(WRITES))]
    said = [draw(st.sampled_from(AROUND)).replace("@", part) for part in parts]
    return said[0] + "".join(draw(st.sampled_from(JOINTS)) + part for part in said[1:])


SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]


@pytest.mark.skipif(not SHELLS, reason="no shell")
def test_what_real_shells_write_outside_was_asked(tmp_path: Path) -> None:
    """Wherever a `cd` leads a real shell: if a file appears outside, the line was asked."""
    wrote, free = [], 0

    @settings(derandomize=True, deadline=None, max_examples=80)
    @given(moving())
    def check(line: str) -> None:
        nonlocal free
        for shell in SHELLS:
            top = tmp_path / str(len(list(tmp_path.iterdir())))
            root = top / "a/b/c/d/root"
            (root / "sub/in").mkdir(parents=True)
            (root / "src").mkdir()
            (root / "f").touch()
            rules = replace(RULES, root=root, home=top / "home", temporary=())
            disk = Disk(lambda path: Path(os.path.realpath(path)), lambda path: path.is_dir())
            asked = isinstance(decide(Intent("runs", (root,), line), rules, disk), Ask)
            subprocess.run(
                [shell, "-c", line], cwd=root, env={"PATH": os.environ["PATH"], "HOME": str(top / "home")}, timeout=10,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            outside = [path for path in top.rglob("m") if not path.is_relative_to(root)]
            wrote.extend(outside)
            free += not asked
            assert asked or not outside, (shell, line)

    check()
    assert wrote, "some lines write outside"
    assert free, "some lines are not asked"
