"""Configurations, and when to stop."""

from .parts import DEEP, DROP, edited, js

OLMOE = {"model_type": "olmoe", "vocab_size": 16, "hidden_size": 8, "intermediate_size": 4,
         "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
         "num_experts": 2, "num_experts_per_tok": 1, "max_position_embeddings": 32}
QWEN = {"model_type": "qwen3_moe", "vocab_size": 16, "hidden_size": 8, "moe_intermediate_size": 4,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_experts": 2,
        "num_experts_per_tok": 1, "max_position_embeddings": 32}
CHANGES = "changes the results"


def config(what, code, found, expected, base=OLMOE, **changes):
    name = what.replace(" ", "-").lower()
    return (name, js(edited(base, **changes)), what, code, found, expected)


CONFIG = [
    ("not-json", b'{"model_type": olmoe}', "no quotes", "bad_file", "not JSON", "JSON"),
    ("list", b"[]", "a list", "bad_file", "no object", "object"),
    ("key-twice", b'{"model_type":"olmoe","hidden_size":8,"hidden_size":16}', "a key twice",
     "bad_file", '"hidden_size" twice', "once"),
    ("deep", b'{"model_type":' + DEEP + b"}", "100 levels", "bad_file", "nesting", "flatter"),
    ("not-utf8", b'{"model_type":"olmo\xe9"}', "Latin-1", "bad_file", "not UTF-8", "UTF-8"),
    ("nan", b'{"model_type":"olmoe","rope_theta":NaN}', "NaN", "bad_file", "not JSON", "JSON"),
    ("too-large-number", b'{"rms_norm_eps":1e999}', "1e999", "bad_file", "64-bit", "range"),
    config("No model type", "bad_file", 'no key "model_type"', "olmoe", model_type=DROP),
    config("Unknown family", "unsupported", '"gpt2"', "mixtral", model_type="gpt2"),
    config("No hidden size", "bad_file", 'no key "hidden_size"', "whole", hidden_size=DROP),
    config("Negative hidden size", "bad_file", "-8", "from 1", hidden_size=-8),
    config("Hidden size of 2 to the 41", "bad_file", "2199023255552", "2147483647",
           hidden_size=1 << 41),
    config("Broken hidden size", "bad_file", "8.5", "whole", hidden_size=8.5),
    config("Hidden size as text", "bad_file", '"8"', "whole", hidden_size="8"),
    config("Sizes whose product overflows", "bad_file", "parameters", "1e+15",
           hidden_size=1 << 30, intermediate_size=1 << 30, num_experts=1 << 20, vocab_size=1 << 24),
    config("A million layers", "bad_file", "1000000", "4096", num_hidden_layers=10**6),
    config("Hidden not divisible by heads", "bad_file", '"hidden_size" is 8', "= 3",
           num_attention_heads=3, num_key_value_heads=3),
    config("KV heads do not divide heads", "bad_file", '"num_key_value_heads" is 3', "= 4",
           num_attention_heads=4, num_key_value_heads=3),
    config("Odd head size", "bad_file", '"hidden_size" is 6', "even", hidden_size=6),
    config("More chosen than experts", "bad_file", '"num_experts_per_tok" is 3', "num_experts = 2",
           num_experts_per_tok=3),
    config("No experts", "bad_file", '"num_experts" is 0', "from 1", num_experts=0),
    config("Gelu", "unsupported", CHANGES, '"silu"', hidden_act="gelu"),
    config("Dynamic rope", "unsupported", '"type" is "dynamic"', "yarn",
           rope_scaling={"type": "dynamic", "factor": 2.0}),
    config("Negative rope factor", "bad_file", '"factor" is -2.0', "positive",
           rope_scaling={"type": "linear", "factor": -2.0}),
    config("Unknown rope key", "unsupported", '"twist"', "implemented",
           rope_parameters={"rope_type": "default", "rope_theta": 1e4, "twist": 2}),
    config("Llama3 rope frequencies crossed", "bad_file", '"high_freq_factor" is 1.0', "= 4",
           rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4.0,
                         "high_freq_factor": 1.0}),
    config("Rope theta of one", "bad_file", '"rope_theta" is 1.0', "above 1", rope_theta=1.0),
    config("Negative eps", "bad_file", "-1e-06", "from 0", rms_norm_eps=-1e-6),
    config("Quantised", "unsupported", '"quantization_config"', "BF16",
           quantization_config={"quant_method": "gptq", "bits": 4}),
    config("Sliding window", "unsupported", '"sliding_window" is 16', "max_position_embeddings",
           base=QWEN, use_sliding_window=True, sliding_window=16),
    config("Sliding layers", "unsupported", '"layer_types"', "full_attention", base=QWEN,
           layer_types=["full_attention", "sliding_attention"]),
    config("Layer list as text", "bad_file", '"mlp_only_layers" is "0"', "list", base=QWEN,
           mlp_only_layers="0"),
    config("Dense layer beyond the last", "bad_file", '"mlp_only_layers" is [2]', "from 0 to 1",
           base=QWEN, mlp_only_layers=[2]),
    config("Sigmoid scores", "unsupported", '"scoring_func" is "sigmoid"', '"softmax"',
           scoring_func="sigmoid"),
    config("Unknown key", "unsupported", '"attention_sink_size" is 4', "implemented",
           attention_sink_size=4),
    config("End as text", "bad_file", '"eos_token_id" is "</s>"', "token id",
           eos_token_id="</s>"),
    config("Norm switch as number", "bad_file", '"norm_topk_prob" is 1', "true or false",
           norm_topk_prob=1),
]

GENERATION = [
    ("list", b"[]", "a list", "bad_file", "no object", "object"),
    ("not-json", b"{", "JSON ends early", "bad_file", "not JSON", "JSON"),
    ("end-as-text", js({"eos_token_id": "</s>"}), "a token for an id", "bad_file", '"</s>"', "id"),
    ("negative-end", js({"eos_token_id": [2, -1]}), "a negative id", "bad_file", "[2,-1]", "id"),
]
