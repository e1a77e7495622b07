"""experts show, top, search, similar, stats, diff and export: figures counted again, pages and files read by others."""

import gzip
import json
import shutil
import sqlite3
import struct
import subprocess
from contextlib import closing
from html.parser import HTMLParser

import numpy as np
import pytest
from program import BAD_FILE, INVALID, NOT_FOUND, corpus, run, sentence

ATTACK = "<script>document.title = 'broken'</script> & <b>bold</b> \"quoted\""

# Published names: neuronpedia_utils.db_models and, of explanations, the site's schema.
NEURONPEDIA = {
    "features": """modelId layer index creatorId createdAt maxActApprox hasVector vector vectorLabel
        vectorDefaultSteerStrength hookName topkCosSimIndices topkCosSimValues neuron_alignment_indices
        neuron_alignment_values neuron_alignment_l1 correlated_neurons_indices correlated_neurons_pearson
        correlated_neurons_l1 correlated_features_indices correlated_features_pearson correlated_features_l1 neg_str
        neg_values pos_str pos_values frac_nonzero freq_hist_data_bar_heights freq_hist_data_bar_values
        logits_hist_data_bar_heights logits_hist_data_bar_values decoder_weights_dist sourceSetName""",
    "activations": """id tokens index layer modelId maxValue maxValueTokenIndex minValue values creatorId dataSource
        dataIndex dfaValues dfaTargetIndex dfaMaxValue createdAt lossValues logitContributions binMin binMax
        binContains qualifyingTokenIndex""",
    "explanations": """id modelId layer index description authorId triggeredByUserId notes scoreV1 scoreV2 umap_x umap_y
        umap_cluster umap_log_feature_sparsity typeName explanationModelName createdAt updatedAt""",
    "model.jsonl": """id instruct creatorId displayNameShort displayName tlensId dimension visibility
        defaultSourceSetName defaultSourceId inferenceEnabled layers neuronsPerLayer createdAt owner updatedAt website""",
    "source.jsonl": """id modelId setName creatorId hasDashboards inferenceEnabled inferenceHosts saelensConfig
        saelensRelease saelensSaeId hfRepoId hfFolderId visibility defaultOfModelId hasUmap hasUmapLogSparsity
        hasUmapClusters num_prompts num_tokens_in_prompt dataset notes createdAt""",
    "sourceset.jsonl": """modelId name creatorId hasDashboards visibility description type creatorName urls
        creatorEmail releaseName defaultOfModelId defaultRange defaultShowBreaks showDfa showCorrelated
        showHeadAttribution showUmap createdAt""",
    "release.jsonl": """name description creatorName creatorId visibility isNewUi featured descriptionShort urls
        creatorEmail creatorNameShort defaultSourceSetName defaultSourceId defaultUmapSourceIds createdAt""",
}


def ask(*arguments):
    done = run("experts", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def refused(code, *arguments):
    done = run("experts", *arguments)
    assert done.returncode == code, (done.returncode, done.stderr)
    return sentence(done.stderr)


def rows(path, query):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    """{name: index} of two halves of one small corpus, with a document that attacks pages."""
    folder = tmp_path_factory.mktemp("indexes")
    lines = corpus(folder / "all.jsonl", 60).read_text().splitlines()
    found = {}
    for half in (0, 1):
        texts = folder / str(half)
        texts.mkdir()
        for label, part in (("first", lines[half:30:2]), ("second", lines[30 + half::2]),
                            ("third", [json.dumps({"text": ATTACK + " A cell is small."})])):
            (texts / f"{label}.jsonl").write_text("\n".join(part) + "\n")
        for model in ("olmoe", "monet"):
            out = folder / f"{model}{half}.db"
            ask("index", "--model", f"{model}-small", "--input", texts, "--out", out, "--threads", 1)
            found[f"{model}{half}"] = out
    with closing(sqlite3.connect(found["olmoe0"])) as database, database:
        database.execute("INSERT INTO expert_labels VALUES (9, 'local', ?, .8, .72, .88, .001, 44, 1, 'local', '2026')",
                         (f"reads {ATTACK}",))
    return found


def loads(path, layer):
    """Masses of all experts of a layer, those never used included."""
    [[begin, experts]] = rows(path, "SELECT (SELECT coalesce(sum(experts + 2 * keys), 0) FROM layers AS other "
                                    f"WHERE other.layer < {layer}), experts FROM layers WHERE layer = {layer}")
    masses = np.zeros(experts)
    for unit, mass in rows(path, f"SELECT id, mass FROM units WHERE id >= {begin} AND id < {begin + experts}"):
        masses[unit - begin] = mass
    return masses


@pytest.mark.parametrize("model", ["olmoe0", "monet0"])
def test_stats_are_those_of_numpy(indexes, model):
    got = json.loads(ask("stats", "--index", indexes[model], "--json"))
    assert got["documents"] == 31
    for layer in got["layers"]:
        if layer["kind"] != "expert":
            continue
        x = np.sort(loads(indexes[model], layer["layer"]))
        n, p = len(x), x[x > 0] / x.sum()
        assert layer["units"] == n and layer["dead"] == (x == 0).sum()
        assert layer["entropy"] == pytest.approx(-(p * np.log(p)).sum() / np.log(n))
        assert layer["jain"] == pytest.approx(x.sum() ** 2 / (n * (x ** 2).sum()))
        assert layer["gini"] == pytest.approx(((2 * np.arange(1, n + 1) - n - 1) * x).sum() / (n * x.sum()))
        assert layer["top_share"] == pytest.approx(x[-max(1, n // 100):].sum() / x.sum())
        assert (layer["dropped_share"] > 0) == model.startswith("monet")


def test_top_orders_and_filters(indexes):
    top = [json.loads(line) for line in ask("top", "--index", indexes["olmoe0"], "--layer", 2, "--limit", 5,
                                            "--json").splitlines()]
    masses = loads(indexes["olmoe0"], 2)
    assert [row["id"] for row in top] == list(np.argsort(-masses)[:5])
    assert top[0]["mass"] == pytest.approx(masses.max())
    by_label = [json.loads(line) for line in ask("top", "--index", indexes["monet0"], "--by", "skew", "--label", "second",
                                                 "--kind", "left", "--kind", "right", "--json").splitlines()]
    assert {row["by_label"][0]["label"] for row in by_label} == {"second"}
    assert {row["kind"] for row in by_label} <= {"left", "right"}
    skews = [float("inf") if row["skew"] is None else row["skew"] for row in by_label]
    assert skews == sorted(skews, reverse=True)
    assert "third" in refused(INVALID, "top", "--index", indexes["olmoe0"], "--label", "fourth")


def tokens_of(path):
    """{unit: {token: mass that is sure}}"""
    return {unit: {token: mass - error for token, _, mass, error in struct.iter_unpack("<iIdd", blob)}
            for unit, blob in rows(path, "SELECT id, tokens FROM units WHERE count >= 10")}


def test_similar_tokens_are_a_cosine(indexes):
    units = tokens_of(indexes["olmoe0"])
    got = json.loads(ask("similar", "0:9", "--index", indexes["olmoe0"], "--limit", 5, "--json"))["similar"]

    def cosine(a, b):
        dot = sum(mass * b.get(token, 0) for token, mass in a.items())
        return dot / np.sqrt(sum(m * m for m in a.values()) * sum(m * m for m in b.values()))
    expected = sorted((-cosine(units[9], other), unit) for unit, other in units.items() if unit != 9)[:5]
    assert [row["similarity"] for row in got] == pytest.approx([-value for value, _ in expected])
    assert [row["unit"] for row in got] == [f"{unit // 32}:{unit % 32}" for _, unit in expected]


def test_diff_ranks_as_scipy(indexes):
    scipy_stats = pytest.importorskip("scipy.stats")
    got = json.loads(ask("diff", indexes["olmoe0"], indexes["olmoe1"], "--min-uses", 1, "--json"))
    assert got["labels"] == ["first", "second", "third"]
    for layer in got["layers"]:
        a, b = loads(indexes["olmoe0"], layer["layer"]), loads(indexes["olmoe1"], layer["layer"])
        used = (a > 0) | (b > 0)
        assert layer["mass_spearman"] == pytest.approx(scipy_stats.spearmanr(a[used], b[used]).statistic)
        assert layer["units"] == ((a > 0) & (b > 0)).sum()
        assert layer["token_overlap"] > layer["token_overlap_chance"]
    same = json.loads(ask("diff", indexes["monet0"], indexes["monet0"], "--json"))
    assert all(layer["label_correlation"] == pytest.approx(1) for layer in same["layers"])
    assert "different models" in refused(INVALID, "diff", indexes["olmoe0"], indexes["monet0"])


def test_search_finds_what_its_contexts_hold(indexes):
    got = json.loads(ask("search", "cell", "--index", indexes["olmoe0"], "--min-uses", 1, "--json"))
    assert got["units"] and all("cell" in "".join(unit["tokens"]).lower() or unit["found"] for unit in got["units"])
    ranks = [unit["rank"] for unit in got["units"]]
    assert ranks == sorted(ranks, reverse=True)
    assert got["labels"] == []
    assert [row["unit"] for row in json.loads(ask("search", "reads", "--index", indexes["olmoe0"],
                                                  "--json"))["labels"]] == ["0:9"]
    refused(INVALID, "search", "?", "--index", indexes["olmoe0"])


def bf16_tensors(path):
    """Without torch, which takes seconds to import."""
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    tensors = {}
    for name, entry in json.loads(raw[8:8 + size]).items():
        if name != "__metadata__":
            assert entry["dtype"] == "BF16"
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            bits = np.frombuffer(raw[begin:end], np.uint16).astype(np.uint32) << 16
            tensors[name] = bits.view(np.float32).reshape(entry["shape"]).astype(float)
    return tensors


def test_logits_are_the_weights_products(indexes, root):
    """As docs/experts.md defines them: ½ Σ (w g · w u) V, less the layer's mean, through norm and unembedding."""
    weights = bf16_tensors(root / "models/olmoe-small/model.safetensors")

    def output(expert):
        gate, up, down = (weights[f"model.layers.1.mlp.experts.{expert}.{part}_proj.weight"]
                          for part in ("gate", "up", "down"))
        norm = weights["model.layers.1.post_attention_layernorm.weight"]
        return down @ ((gate * norm) * (up * norm)).sum(1) / 2
    outputs = np.array([output(expert) for expert in range(32)])
    expert = np.argmax(loads(indexes["olmoe0"], 1))
    logits = weights["model.embed_tokens.weight"] @ (weights["model.norm.weight"] * (outputs[expert] - outputs.mean(0)))
    logits -= logits.mean()
    got = json.loads(ask("show", f"1:{expert}", "--index", indexes["olmoe0"], "--model", "olmoe-small", "--logits",
                         "--json"))["logits"]
    order = np.argsort(-logits)
    assert [token["token"] for token in got["promoted"]] == list(order[:10])
    assert [token["logit"] for token in got["suppressed"]] == pytest.approx(logits[order[::-1][:10]], rel=1e-4)


def test_text_cannot_command_the_terminal(run, tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "red \u001b[31m alarm \u009b31m\u0007 end of it"}) + "\n")
    ask("index", "--model", "olmoe-small", "--input", tmp_path / "a.jsonl", "--out", tmp_path / "x.db")
    unit = json.loads(ask("top", "--index", tmp_path / "x.db", "--limit", 1, "--json"))["unit"]
    shown = ask("show", unit, "--index", tmp_path / "x.db")
    assert "«" in shown and "·[31m alarm ·31m·" in shown.replace("«", "").replace("»", "")
    assert not any(ord(c) < 0x20 and c != "\n" or 0x7f <= ord(c) < 0xa0 for c in shown)


def test_errors_are_sentences(indexes, tmp_path):
    index = indexes["monet0"]
    assert "LAYER:I,J" in refused(INVALID, "show", "0:7", "--index", index)
    assert "layer that routes: 0 2 4" in refused(INVALID, "show", "1:7,7", "--index", index)
    unused = next(i for i in range(512) if not rows(index, f"SELECT 1 FROM units WHERE id = {i}"))
    assert "never used" in refused(INVALID, "show", f"0:0,{unused}", "--index", index)
    assert "made with" in refused(INVALID, "show", "0:left:1", "--index", index, "--logits", "--model", "olmoe-small")
    refused(NOT_FOUND, "stats", "--index", tmp_path / "no.db")
    (tmp_path / "text.db").write_text("no database at all, only text that is long enough")
    refused(BAD_FILE, "stats", "--index", tmp_path / "text.db")
    refused(INVALID, "export", "--index", index, "--out", tmp_path / "x", "--format", "pdf")
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").write_text("kept")
    assert "it exists" in refused(INVALID, "export", "--index", index, "--limit", 1, "--kind", "expert", "--out",
                                  tmp_path / "there")


def test_a_damaged_index_is_refused(indexes, tmp_path):
    for name, statement in {
        "unit": "INSERT INTO units SELECT 1000000000, count, mass, max, histogram, positions, labels, tokens, contexts "
                "FROM units LIMIT 1",
        "label": "INSERT INTO expert_labels VALUES (-1, 'local', 'cell', NULL, NULL, NULL, NULL, 0, 0, 'a', 'b')",
        "context": "UPDATE units SET contexts = x'00000000ffffff7f0000803f'",
        "document": "UPDATE units SET contexts = x'ffffff7f000000000000803f'",
    }.items():
        path = shutil.copy(indexes["olmoe0"], tmp_path / f"{name}.db")
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(statement)
        command = {"unit": ["top"], "label": ["search", "cell"], "context": ["show", "0:9"],
                   "document": ["show", "0:9"]}[name]
        refused(INVALID if name == "document" else BAD_FILE, *command, "--index", path)


class Page(HTMLParser):
    """Tags that are open, what a page loads or links to, its scripts and its text."""
    VOID = {"meta", "link", "input", "br"}

    def __init__(self, path):
        super().__init__()
        self.open, self.links, self.scripts, self.text = [], [], 0, ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == [], path

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.scripts += tag == "script"
        self.links += [value for name, value in attrs if name in ("href", "src")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def pages(indexes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    ask("export", "--index", indexes["olmoe0"], "--model", "olmoe-small", "--out", folder / "olmoe")
    ask("export", "--index", indexes["monet0"], "--limit", 150, "--layer", 2, "--kind", "expert", "--out",
        folder / "monet")
    return folder


@pytest.mark.parametrize("model", ["olmoe", "monet"])
def test_pages_are_whole_and_load_nothing_else(pages, model):
    folder = pages / model
    units = list((folder / "units").iterdir())
    assert len(units) > 100
    attacked = 0
    for path in [folder / "index.html", *units]:
        page = Page(path)
        assert page.scripts == 1, "its own"
        attacked += "document.title = 'broken'" in page.text
        for link in page.links:
            assert ":" not in link and (path.parent / link).resolve().is_relative_to(folder), link
            assert (path.parent / link).is_file(), link
    assert attacked > 0, "no page shows the document that attacks"
    assert "http" not in (folder / "style.css").read_text() + (folder / "page.js").read_text()


def test_pages_show_what_the_index_has(pages, indexes):
    shown = Page(pages / "olmoe/units/0-9.html").text
    view = json.loads(ask("show", "0:9", "--index", indexes["olmoe0"], "--model", "olmoe-small", "--logits", "--json"))
    assert f"Used on {view['count']} tokens" in shown and "reliable" in shown and "reads <script>" in shown
    assert view["logits"]["promoted"][0]["text"] in shown
    assert "".join(view["contexts"][0]["tokens"]).split("\n")[0] in shown


def test_pages_in_a_browser(pages):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium or google-chrome on this machine")
    for page in ("index.html", "units/0-9.html"):
        done = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000",
                               "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom",
                               (pages / "olmoe" / page).as_uri()],
                              capture_output=True, encoding="utf-8", timeout=120)
        assert done.returncode == 0, done.stderr[-500:]
        assert "<title>broken" not in done.stdout
        if page == "index.html":
            units = len(list((pages / "olmoe/units").iterdir()))
            assert f">{units} of {units}</span>" in done.stdout, "the script counts the rows"


def test_neuronpedia_has_the_published_names(indexes, tmp_path):
    ask("export", "--index", indexes["olmoe0"], "--model", "olmoe-small", "--format", "neuronpedia", "--out",
        tmp_path / "np", "--creator-id", "someone", "--limit", 40)
    [model] = (tmp_path / "np").iterdir()
    sources = sorted(path.name for path in model.iterdir())
    assert model.name == "olmoe-small" and sources[0] == "0-experts"
    explained = 0
    for source in sources:
        for name, fields in NEURONPEDIA.items():
            if name.endswith(".jsonl"):
                lines = (model / source / name).read_text().splitlines()
                assert len(lines) == 1
            else:
                lines = gzip.open(model / source / name / "batch-0.jsonl.gz", "rt").read().splitlines()
            for row in map(json.loads, lines):
                assert set(row) == set(fields.split()), name
                if name == "features":
                    assert len(row["freq_hist_data_bar_heights"]) == len(row["freq_hist_data_bar_values"]) == 20
                    assert len(row["pos_str"]) == len(row["neg_values"]) == 10 and 0 < row["frac_nonzero"] <= 1
                    assert row["layer"] == source and isinstance(row["index"], str)
                if name == "activations":
                    assert len(row["tokens"]) == len(row["values"])
                    assert row["values"][row["maxValueTokenIndex"]] == row["maxValue"] == max(row["values"]) > 0
                explained += name == "explanations"
    assert explained == 1


def test_the_same_index_gives_the_same_files(indexes, tmp_path):
    for name in ("a", "b"):
        ask("export", "--index", indexes["olmoe0"], "--format", "neuronpedia", "--out", tmp_path / name)
        ask("export", "--index", indexes["olmoe0"], "--format", "jsonl", "--out", tmp_path / f"{name}.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    for path in (tmp_path / "a").rglob("*.*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_experts_json_has_affinities(indexes, tmp_path):
    ask("export", "--index", indexes["olmoe0"], "--format", "experts-json", "--out", tmp_path / "experts.json")
    experts = json.loads((tmp_path / "experts.json").read_text())
    assert experts["0:9"]["label"].startswith("reads ")
    for expert in experts.values():
        assert set(expert) == {"affinity", "entropy", "top", "label"}
        shares = np.array(list(expert["affinity"].values()))
        assert shares.sum() == pytest.approx(1)
        assert expert["entropy"] == pytest.approx(-(shares * np.log2(shares)).sum())
        assert expert["top"] == max(expert["affinity"], key=expert["affinity"].get)
