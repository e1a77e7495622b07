"""Commands of the program, each made once: what it answered is kept beside its arguments, so that a study may be stopped and
run again, and one with other sizes makes anew what they change."""

import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

UNSUPPORTED = 5  # docs/cli.md: what a command says of a model that it cannot serve


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


class Steps:
    """Runs `program` in the folder `work`, where the names of all results begin. `models`: the folder of those that ship."""

    def __init__(self, program, work, models):
        self.program, self.work, self.models = program, work, models
        (work / "steps").mkdir(parents=True, exist_ok=True)

    def result(self, name, *arguments, out=None, partial=None):
        """The JSON that `arguments --out OUT --json` prints. `partial`: what a stopped run leaves, to go on from. Ends the
        study when the command fails, which has said why."""
        arguments = [str(argument) for argument in arguments] + (["--out", out] if out else [])

        def make(first):
            resume = first and partial and (self.work / partial).exists()
            if not resume:
                for path in filter(None, (out, partial)):
                    remove(self.work / path)
            if out:
                (self.work / out).parent.mkdir(parents=True, exist_ok=True)
            return json.loads(self._run([*arguments, *(["--resume"] if resume else []), "--json"]))
        return self.kept(name, arguments, make)

    def refusal(self, name, *arguments):
        """Why the program does not support `arguments`, in its own words. Ends the study when it does, or fails otherwise."""
        arguments = [str(argument) for argument in arguments]

        def make(_):
            print(f"study_experts: expertoire {shlex.join(arguments)}", file=sys.stderr, flush=True)
            done = subprocess.run([self.program, *arguments], cwd=self.work, capture_output=True, encoding="utf-8")
            if done.returncode != UNSUPPORTED:
                sys.exit(f"study_experts: this was not refused (code {done.returncode}): expertoire {shlex.join(arguments)}")
            return done.stderr.strip().removeprefix("expertoire: ")
        return self.kept(name, arguments, make)

    def kept(self, name, arguments, make):
        """make(first): what `arguments` come to, unless that is known; `first`: nothing is known of other arguments either."""
        about = {"arguments": arguments, "weights": self._weights(arguments), "indexes": self._indexes(name, arguments)}
        record = self.work / "steps" / f"{name}.json"
        before = json.loads(record.read_text(encoding="utf-8")) if record.exists() else None
        if before and all(before.get(key) == value for key, value in about.items()):
            return before["result"]
        answer = make(before is None)
        unfinished = record.with_suffix(".new")
        unfinished.write_text(json.dumps(about | {"result": answer}), encoding="utf-8")
        unfinished.rename(record)
        return answer

    def index(self, name, *arguments):
        """The path of an index, and what it has read."""
        out = f"index/{name}.db"
        return out, self.result(f"index-{name}", "experts", "index", *arguments, out=out, partial=f"{out}.part")

    def lines(self, *arguments):
        """What a quick command prints as JSON Lines, not kept."""
        return [json.loads(line) for line in self._run([*map(str, arguments), "--json"]).splitlines()]

    def _weights(self, arguments):
        """A model that was trained anew has other results."""
        if "--model" not in arguments:
            return None
        file = self.models / arguments[arguments.index("--model") + 1] / "model.safetensors"
        return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.exists() else None

    def _indexes(self, name, arguments):
        """What the indexes among `arguments` were made of: one made anew has other results."""
        records = [self.work / "steps" / f"index-{Path(one).stem}.json" for one in arguments
                   if str(one).startswith("index/") and str(one).endswith(".db")]
        made = [json.loads(record.read_text(encoding="utf-8")) for record in records
                if record.stem != name and record.exists()]
        return [[one["arguments"], one["weights"]] for one in made]

    def _run(self, arguments):
        print(f"study_experts: expertoire {shlex.join(arguments)}", file=sys.stderr, flush=True)
        done = subprocess.run([self.program, *arguments], cwd=self.work, stdout=subprocess.PIPE, encoding="utf-8")
        if done.returncode != 0:
            sys.exit(f"study_experts: this failed: expertoire {shlex.join(arguments)}")
        return done.stdout
