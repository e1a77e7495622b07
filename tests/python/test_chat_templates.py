"""Chat templates: the engine's output is jinja2's, as transformers sets it up.

The templates of tests/fixtures/chat with several conversations, random templates of the subset, random
damage to these, and the whole way from --chat to token ids.
"""

import itertools
import json
import shutil
import subprocess

import chat_random
import jinja2
import pytest
from program import PROGRAM, ROOT
from transformers.utils.chat_template_utils import render_jinja_template

TEMPLATES = sorted((ROOT / "tests/fixtures/chat").glob("*.jinja"))
EXIT = {"invalid_argument": 2, "bad_file": 4, "unsupported": 5}
BOS, EOS = "<｜begin▁of▁sentence｜>", "<|im_end|>"


def chat(*turns):
    return [{"role": role, "content": content} for role, content in turns]


CONVERSATIONS = {
    "user": chat(("user", "Hello, how are you?")),
    "system": chat(("system", "You are a pirate."), ("user", "Hello")),
    "turns": chat(("user", "One"), ("assistant", "Two"), ("user", "Three")),
    "system_turns": chat(("system", "Be kind."), ("user", "1"), ("assistant", "2"), ("user", "3"),
                         ("assistant", "4"), ("user", "5")),
    "answered": chat(("user", "One"), ("assistant", "Two")),
    "unicode": chat(("system", "Zoë — 日本語"), ("user", "🙂 é\u2028\u00a0ﬁ"), ("assistant", "Ünï"), ("user", "한")),
    "white_space": chat(("system", "  \n be kind \n\n"), ("user", "\n\t hi \u3000"), ("assistant", " yes\n"),
                        ("user", "\n")),
    "line_ends": chat(("user", "a\r\nb\rc\n"), ("assistant", "x\n"), ("user", "last\n\n")),
    "empty": chat(("user", ""), ("assistant", ""), ("user", "")),
    "jinja_in_text": chat(("user", "{{ 1 }} {% if x %} {# c #} \\n 'q' \"r\""), ("assistant", "{{}}"), ("user", "<<SYS>>")),
    "thinking": chat(("user", "2+2?"), ("assistant", "<think>\nhm\n</think>\n\n4"), ("user", "and 3+3?"),
                     ("assistant", "<think>again</think>6")),
    "tool": chat(("user", "time?"), ("assistant", "wait"), ("tool", "noon"), ("tool", "cet"), ("assistant", "noon"),
                 ("user", "<tool_response>x</tool_response>")),
    "system_late": chat(("user", "a"), ("system", "b"), ("user", "c")),
    "assistant_first": chat(("assistant", "a"), ("user", "b")),
    "only_system": chat(("system", "alone")),
    "other_role": chat(("user", "a"), ("critic", "b")),
}
# Variables beyond the usual ones; None stands for no variables.
VARIABLES = [{}, {"enable_thinking": False, "date_string": "1 Jan 2025", "USE_DEFAULT_PROMPT": True}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("chat")


def ours(folder, template, messages, prompt=True, variables=(), bos=BOS, eos=EOS):
    """Exit code, output, message."""
    (folder / "template").write_bytes(template.encode())
    (folder / "messages").write_text(json.dumps(messages), encoding="utf-8")
    command = [PROGRAM, "chat-template", "--template", folder / "template", "--messages", folder / "messages",
               "--bos", bos, "--eos", eos]
    if not prompt:
        command.append("--no-generation-prompt")
    for name, value in dict(variables).items():
        command += ["--var", f"{name}={json.dumps(value) if isinstance(value, bool) else value}"]
    done = subprocess.run(command, capture_output=True)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def theirs(template, messages, prompt=True, variables=(), bos=BOS, eos=EOS):
    """The prompt, or what was raised."""
    try:
        rendered, _ = render_jinja_template([messages], chat_template=template, add_generation_prompt=prompt,
                                            bos_token=bos, eos_token=eos, **dict(variables))
        return rendered[0]
    except Exception as error:  # whatever Python raises in a template
        return error


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_family(path, folder):
    template = path.read_bytes().decode()
    rendered = 0
    for (name, messages), prompt, variables in itertools.product(CONVERSATIONS.items(), (True, False), VARIABLES):
        want = theirs(template, messages, prompt, variables)
        code, text, message = ours(folder, template, messages, prompt, variables)
        if isinstance(want, Exception):
            assert code == EXIT["invalid_argument"], (name, want, code, text, message)
            if type(want) is jinja2.exceptions.TemplateError:  # raise_exception
                assert str(want) in message, name
        else:
            assert (code, text) == (0, want), (name, prompt, variables, message)
            rendered += 1
    assert rendered >= 16  # a template that refuses everything would prove nothing


def test_templates_of_every_family_are_there():
    families = {path.stem.split("-")[0] for path in TEMPLATES}
    assert families >= {"olmoe", "qwen1.5", "qwen2.5", "qwen3", "deepseek", "mixtral", "llama2", "llama3", "llama3.2",
                        "zephyr", "tulu"}


def test_missing_tokens_are_undefined(folder):
    template = "{{ bos_token is defined }}{{ eos_token is defined }}"
    assert ours(folder, template, CONVERSATIONS["user"], bos="", eos="")[1] == "FalseFalse"


RANDOM_CHAT = chat(("system", ' be "good"\n'), ("user", "Zoë a,b\tx"), ("assistant", ""), ("user", "日本🙂\n\n"))


@pytest.mark.parametrize("block", range(8))
def test_random_templates(block, folder):
    rendered = 0
    for seed in range(block * 25, block * 25 + 25):
        template = chat_random.template(seed)
        want = theirs(template, RANDOM_CHAT)
        code, text, message = ours(folder, template, RANDOM_CHAT)
        if isinstance(want, Exception):
            assert code == EXIT["invalid_argument"], (seed, template, want, text, message)
        else:
            assert (code, text) == (0, want), (seed, template, message)
            rendered += 1
    assert rendered >= 20


def test_damaged_templates_are_never_rendered_differently(folder):
    outcomes = {0: 0, **{code: 0 for code in EXIT.values()}}
    for seed in range(300):
        template = chat_random.mutate(chat_random.small_template(seed), seed)
        want = theirs(template, RANDOM_CHAT)
        code, text, message = ours(folder, template, RANDOM_CHAT)
        outcomes[code] += 1
        if code == 0:
            # jinja2 looks for the names of filters where they are not used, too.
            assert text == want or isinstance(want, jinja2.exceptions.TemplateAssertionError), (seed, template, want)
        elif code == EXIT["bad_file"]:
            assert isinstance(want, jinja2.exceptions.TemplateError), (seed, template, want, message)
        elif code == EXIT["invalid_argument"]:
            assert isinstance(want, Exception), (seed, template, want, message)
    assert min(outcomes.values()) > 0, outcomes


def chat_model(folder, template, files):
    """The default model with a chat template, stored in one of the ways that transformers reads."""
    model = folder / f"model_{files}"
    shutil.copytree(ROOT / "models/olmoe-small", model)
    config = json.loads((model / "tokenizer_config.json").read_text())
    config["bos_token"] = {"content": "<|endoftext|>", "lstrip": False, "normalized": False, "rstrip": False,
                           "single_word": False, "__type": "AddedToken"}
    config["add_bos_token"] = True  # for plain texts; not for prompts, whose template writes it
    if files == "jinja":
        (model / "chat_template.jinja").write_text(template, encoding="utf-8")
        config["chat_template"] = "of an older version"
    elif files == "list":
        config["chat_template"] = [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": template}]
    else:
        config["chat_template"] = template
    (model / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return model


@pytest.mark.parametrize("files", ["text", "list", "jinja"])
def test_generate_sees_the_ids_of_transformers(files, folder):
    from transformers import AutoTokenizer
    template = (ROOT / "tests/fixtures/chat/olmoe-instruct.jinja").read_text(encoding="utf-8")
    model = chat_model(folder, template, files)
    tokenizer = AutoTokenizer.from_pretrained(model)
    for system, user in (("", "What is a cell?"), ("Be kind.\n", " Zoë <|endoftext|> 日本\n")):
        messages = ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": user}]
        want = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        command = [PROGRAM, "generate", "--model", model, "--chat", "--prompt", user, "--max-tokens", "1", "--json"]
        done = subprocess.run(command + (["--system", system] if system else []), capture_output=True, check=True)
        assert json.loads(done.stdout)["prompt_ids"] == want
        (folder / "messages").write_text(json.dumps(messages), encoding="utf-8")
        done = subprocess.run([PROGRAM, "chat-template", "--model", model, "--messages", folder / "messages"],
                              capture_output=True, check=True)
        assert done.stdout.decode() == tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)


def test_chat_template_sees_all_tokens_that_generate_sees(folder):
    template = "{{ bos_token }}|{{ eos_token }}|{{ pad_token }}"
    model = chat_model(folder, template, "tokens")
    (folder / "messages").write_text('[{"role": "user", "content": "a"}]')
    command = [PROGRAM, "chat-template", "--model", model, "--messages", folder / "messages"]
    config = json.loads((model / "tokenizer_config.json").read_text())
    assert config["pad_token"] and config["pad_token"] != config["eos_token"]
    bos, eos, pad = "<|endoftext|>", config["eos_token"], config["pad_token"]
    for options, want in (([], (bos, eos, pad)), (["--bos", "<s>", "--var", "pad_token=p"], ("<s>", eos, "p"))):
        done = subprocess.run(command + options, capture_output=True, check=True)
        assert done.stdout.decode() == "|".join(want)


@pytest.mark.parametrize("arguments, code, part", [
    (["chat-template", "--messages", "m"], 2, "without a chat template"),
    (["generate", "--prompt", "a", "--chat"], 2, "without a chat template"),
    (["generate", "--prompt", "a", "--system", "b"], 2, "--chat"),
    (["generate", "--ids", "m", "--chat"], 2, "--prompt"),
    (["chat-template", "--template", "t"], 2, "--messages"),
    (["chat-template", "--template", "t", "--messages", "m", "--var", "x"], 2, "name=value"),
    (["chat-template", "--template", "t", "--messages", "tools"], 4, "more than role and content"),
    (["chat-template", "--template", "t", "--messages", "list"], 4, "without a text content"),
    (["chat-template", "--template", "absent", "--messages", "m"], 3, "absent"),
])
def test_wrong_use_is_told(arguments, code, part, folder):
    (folder / "t").write_text("{{ messages[0].content }}")
    (folder / "m").write_text('[{"role": "user", "content": "a"}]')
    (folder / "tools").write_text('[{"role": "assistant", "content": "a", "tool_calls": []}]')
    (folder / "list").write_text('[{"role": "user", "content": [1]}]')
    done = subprocess.run([PROGRAM, *arguments], cwd=folder, capture_output=True)
    assert done.returncode == code, done.stderr
    assert part in done.stderr.decode()
