"""Serves a GGUF file with the real llama.cpp server: prints `READY http://127.0.0.1:PORT`, ends when stdin closes.

A process of its own, because the server holds the GIL while it loads, and a processor without AVX2 ends it by SIGILL.
Stdin is the leash: whatever becomes of the parent, no server is left behind.
"""

import argparse
import sys
from pathlib import Path

NOT_INSTALLED = 77
THREADS = 1  # they spin, so more of them than free cores is slower by far


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--template", type=Path, default=Path(__file__).with_name("own.jinja"))
    parser.add_argument("--special", action="store_true", help="control tokens are part of the text")
    parser.add_argument("--skip-chat-parsing", action="store_true")
    parser.add_argument("--no-jinja", action="store_true")
    parser.add_argument("--reasoning-format", choices=["none", "auto", "deepseek"], default="auto")
    options = parser.parse_args()
    try:
        import xllamacpp
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(NOT_INSTALLED)
    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.chat_template = options.template.read_text(encoding="utf-8")
    params.special = options.special
    params.force_pure_content_parser = options.skip_chat_parsing
    params.use_jinja = not options.no_jinja
    params.reasoning_format = getattr(
        xllamacpp.common_reasoning_format, f"COMMON_REASONING_FORMAT_{options.reasoning_format.upper()}"
    )
    params.n_ctx, params.n_parallel = 16_384, 1  # so small that the agent's prompt is short: a byte costs a millisecond
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.ui = params.warmup = params.fit_params = False
    params.verbosity = 1  # errors only
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    server = xllamacpp.Server(params)
    print("READY", server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
