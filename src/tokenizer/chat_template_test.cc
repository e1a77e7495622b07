// Expectations are jinja2 3.1.6's with the settings of transformers; tests/python/
// test_chat_templates.py holds the engine against it on real and random templates.
#include "tokenizer/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/utf8.h"
#include "support/errors.h"

namespace expertoire {
namespace {

using testing::HasSubstr;

const std::vector<ChatMessage> kChat = {
    {"system", " be kind\n"}, {"user", "Hi Zoë"}, {"assistant", "🙂"}, {"user", "bye"}};

std::string render(const std::string& text, const std::vector<ChatMessage>& messages = kChat,
                   const ChatOptions& options = {true, "<s>", "</s>", {}}) {
  return render_chat(text, messages, options);
}

void expect_error(const std::string& text, ErrorCode code, const std::string& part) {
  const auto error = test::error_of([&] { render(text); });
  ASSERT_TRUE(error.has_value()) << text;
  EXPECT_EQ(error_code_name(error->code()), error_code_name(code)) << text << "\n" << error->what();
  EXPECT_THAT(error->what(), HasSubstr(part)) << text;
}

struct Case {
  const char* source;
  const char* output;
};

void expect_outputs(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(render(c.source), c.output) << c.source;
}

TEST(ChatTemplateTest, WhiteSpace) {
  expect_outputs({{"a\n", "a"},
                  {"a\n\n", "a\n"},
                  {"a\r\nb\rc", "a\nb\nc"},
                  {"{% if true %}\na\n{% endif %}\nb", "a\nb"},  // trim_blocks
                  {"x\n  {% if true %}a{% endif %}\n", "x\na"},  // lstrip_blocks
                  {"x  {% if true %}a{% endif %}", "x  a"},      // not where text stands before it
                  {"x\n  {{ 'a' }}\n\ny", "x\n  a\n\ny"},        // nor for variables
                  {"x\n  {%+ if true %}a{% endif +%}\ny", "x\n  a\ny"},
                  {"x \n {%- if true -%} \n a \n {%- endif %}\n\n\n", "xa\n"},
                  {"x \n {{- 'a' -}} \n y", "xay"},
                  {"x\n  {# c #}\ny", "x\ny"},
                  {"x {#- c -#} y", "xy"},
                  {"x{#+ c +#}\ny", "x\ny"},
                  {"{#-#}x", "x"},
                  {"\xe2\x80\x83\xc2\xa0{%- if true %}a{% endif %}", "a"},  // Unicode's spaces too
                  {"{% if true %}a{% endif %}{% if true %}\n\nb{% endif %}", "a\nb"}});
}

TEST(ChatTemplateTest, Expressions) {
  expect_outputs(
      {{"{{ 1 + 2 * 3 }} {{ 7 // -2 }} {{ -7 % 3 }} {{ -(2 - 5) }}", "7 -4 2 3"},
       {"{{ 'a' 'b' ~ 1 ~ none ~ missing ~ true }}", "ab1NoneTrue"},
       {R"({{ 'q\'\n\x41\u00e9\d\101' }})", "q'\nA\xc3\xa9\\dA"},
       {"{{ 1 < 2 < 3 }} {{ 3 > 2 == 2 }} {{ 'a' in 'cat' }} {{ 4 not in [1, 2] }}",
        "True True True True"},
       {"{{ 0 % 2 == 0 != (messages[0].role == 'user') }}", "False"},
       {"{{ 1 == true }} {{ [1, ('a',)] == [1, ('a',)] }} {{ none == false }}", "True True False"},
       {"{{ '' or 'b' }} {{ 'a' and missing }}. {{ not missing }}", "b . True"},
       {"{{ 'a' if messages else 'b' }}{{ 'c' if none }}", "a"},
       {"{{ not missing is defined }}{{ 1 is not none }}{{ 5 is odd }}", "TrueTrueTrue"},
       {"{{ 'a' is string }}{{ {} is mapping }}{{ [] is iterable }}{{ true is integer }}",
        "TrueTrueTrueFalse"},
       {"{{ false is false }}{{ 0 is false }}{{ 'a' is equalto 'a' }}{{ 1 is in [1] }}",
        "TrueFalseTrueTrue"},
       {"{{ messages[1]['content'] }} {{ messages[-1].content }} {{ messages[9] }}", "Hi Zoë bye "},
       {"{{ messages[1].content[3:] }}{{ 'Zoë🙂'[::-1] }}{{ 'abc'[-2] }}{{ 'Zoë'[2:3] }}",
        "Zoë🙂ëoZbë"},
       {"{{ [1, 2, 3, 4][::-2]|join(',') }} {{ [1, 2][5:]|length }} {{ (1, 2)[1] }}", "4,2 0 2"},
       {"{{ {'a': 1, 'b': 2, 'a': 3}['a'] }}{{ {'a': 1}.get('z', 5) }}{{ {'a': 1}.b }}", "35"},
       {"{{ ' a '.strip() }}|{{ 'xaxx'.rstrip('x') }}|{{ '\n a'.lstrip() }}", "a|xa|a"},
       {"{{ 'a,b,c'.split(',', 1)|join('|') }} {{ ' a  b '.split()|join('|') }}", "a|b,c a|b"},
       {"{{ 'ab'.startswith('a') }}{{ 'ab'.endswith(('x', 'b')) }}{{ 'aZoë'.find('ë') }}",
        "TrueTrue3"},
       {"{{ 'aaa'.replace('a', 'b', 2) }} {{ 'ab'|replace('', '-') }} {{ '' in '' }}",
        "bba -a-b- True"},
       {"{{ 'aB'.upper() }}{{ 'aB'|lower }}{{ 'aB c'|capitalize }}", "ABabAb c"},
       {"{{ missing|default('d') }}{{ ''|default('e', true) }}{{ 5|trim }}", "de5"},
       {R"({{ {'a': [1, none, true, "é\"\n"]}|tojson }})", R"({"a": [1, null, true, "é\"\n"]})"},
       {"{{ messages|map(attribute='role')|join(' ') }}", "system user assistant user"},
       {"{{ (messages|selectattr('role', 'equalto', 'user')|list)[-1].content }}", "bye"},
       {"{{ messages|rejectattr('role', 'ne', 'user')|list|length }}", "2"},
       {"{{ 'abc'|first }}{{ [1, 2]|last }}{{ []|first }}{{ 'ab'|reverse }}", "a2ba"},
       {"{{ messages|map(attribute='role')|reverse|length }}{{ ([1, 2]|reverse|reverse)|last }}",
        "42"},
       {"{{ range(3)|join }}{{ 'ab' * 2 }}{{ ([1] + [2])|length }}", "012abab2"}});
}

TEST(ChatTemplateTest, Statements) {
  expect_outputs(
      {{"{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last "
        "}}"
        "{{ loop.revindex }} {% endfor %}",
        "10TrueFalse4 21FalseFalse3 32FalseFalse2 43FalseTrue1 "},
       {"{% for m in messages %}{{ loop.previtem.role if loop.previtem }}>"
        "{{ loop.nextitem.role if not loop.last }} {% endfor %}",
        ">user system>assistant user>user assistant> "},
       {"{% for m in messages if m.role == 'user' %}{{ m.content }}{{ loop.length }}"
        "{{ loop.last }} {% endfor %}",
        "Hi Zoë2False bye2True "},
       {"{% for x in [1, 2, 3] if x < 3 %}{{ x }}{{ loop.last }}{% endfor %}", "1False2True"},
       {"{% for x in missing %}a{% else %}none{% endfor %}", "none"},
       // jinja2's own way: a first turn that is left early counts for nothing
       {"{% for x in [1] %}{% break %}{% else %}e{% endfor %}", "e"},
       {"{% for x in [1, 2, 3, 4] %}{% if x == 2 %}{% continue %}{% elif x == 4 %}{% break %}"
        "{% endif %}{{ x }}{% endfor %}",
        "13"},
       {"{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{% endfor %}", "a1b2"},
       {"{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}",
        "15151"},
       {"{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "2"},
       {"{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% "
        "endfor %}"
        "{{ ns.n }}{{ ns.other is defined }}",
        "4False"},
       {"{% set x %} a{% set y = 1 %} {% endset %}{{ x|trim }}{{ y }}", "a"},
       {"{% set a, b = 1, 'c' %}{{ a }}{{ b }}", "1c"},
       {"{% set messages = messages[1:] %}{{ messages[0].role }}", "user"},
       {"{% macro m(a, b='z') %}{{ a }}{{ b }}{{ x }}{% endmacro %}{% set x = 1 %}"
        "{% for x in [7] %}{{ m('k') }}{{ m(b=2) }}{% endfor %}",
        "kz121"},
       {"{% for m in messages %}{% generation %}{{ m.role if loop.last }}{% endgeneration %}"
        "{% endfor %}",
        "user"},
       {"{{ bos_token }}{{ eos_token }}{{ tools is none }}{{ add_generation_prompt }}",
        "<s></s>TrueTrue"},
       // What is outside the subset does not matter where it is not reached.
       {"{% if tools %}{{ tools|dictsort|tojson(indent=4) }}{{ 'a'.zfill(3) }}{% endif %}", ""}});
}

TEST(ChatTemplateTest, VariablesAndMissingTokens) {
  const ChatOptions options{
      false, "", "", {{"think", false}, {"n", int64_t{3}}, {"date", "today"}}};
  EXPECT_EQ(render("{{ bos_token is defined }}{{ think is false }}{{ n + 1 }}{{ date }}"
                   "{{ add_generation_prompt }}",
                   kChat, options),
            "FalseTrue4todayFalse");
}

TEST(ChatTemplateTest, TodayIsADate) {
  const std::string today = render("{{ strftime_now('%d %b %Y|%%') }}");
  EXPECT_EQ(today.size(), 13U) << today;
  EXPECT_TRUE(today.ends_with("|%"));
}

TEST(ChatTemplateTest, TextsOfMessagesAreNotRun) {
  EXPECT_EQ(render("{{ messages[0].content }}", {{"user", "{{ 1 }}{% if %}"}}), "{{ 1 }}{% if %}");
}

TEST(ChatTemplateTest, WhatTheTemplateRaisesIsToldWithItsLine) {
  expect_error("\n\n{{ raise_exception('roles must alternate') }}", ErrorCode::kInvalidArgument,
               "line 3: the template refuses them: roles must alternate");
  expect_error("{{ missing.x }}", ErrorCode::kInvalidArgument, "missing, which is undefined");
  expect_error("{{ 'a' + missing }}", ErrorCode::kInvalidArgument, "missing is undefined");
  expect_error("{{ 'a' + 1 }}", ErrorCode::kInvalidArgument, "a text + a number");
  expect_error("{{ 'a' < 1 }}", ErrorCode::kInvalidArgument, "a text < a number");
  expect_error("{{ missing() }}", ErrorCode::kInvalidArgument, "missing is undefined");
  expect_error("{{ 1 // 0 }}", ErrorCode::kInvalidArgument, "a division by zero");
  expect_error("{{ 'a'.split('') }}", ErrorCode::kInvalidArgument, "an empty text");
  expect_error("{% for x in 5 %}{% endfor %}", ErrorCode::kInvalidArgument, "through a number");
  expect_error("{% set a, b = [1] %}", ErrorCode::kInvalidArgument, "1 values for 2 names");
  expect_error("{% set x.y = 1 %}", ErrorCode::kInvalidArgument, "is no namespace");
  expect_error("{{ namespace(_a=1) }}", ErrorCode::kInvalidArgument, "starts with _");
  expect_error("{{ range(100001) }}", ErrorCode::kInvalidArgument, "more than 100000 numbers");
}

TEST(ChatTemplateTest, ErrorsAreOneShortLineOfUtf8) {
  expect_error("{{ raise_exception('a\\n' * 10000) }}", ErrorCode::kInvalidArgument, "a a a");
  expect_error("{{ raise_exception('a\\nb') }}", ErrorCode::kInvalidArgument, "them: a b");
  const auto error = test::error_of([] { render("{{ 1\xc3\xab }}{{ 1.\xc3\xab }}"); });
  ASSERT_TRUE(error.has_value());
  const std::string_view sentence = error->what();
  EXPECT_EQ(first_invalid_utf8(sentence), sentence.size()) << sentence;
  const auto quoted = test::error_of([] { render("{{ raise_exception('ë' * 10000) }}"); });
  EXPECT_LT(std::string_view(quoted->what()).size(), 1000U);
}

TEST(ChatTemplateTest, WhatIsNoJinjaIsABadFile) {
  for (const char* source : {"{% if x %}",
                             "{% endif %}",
                             "{{ a b }}",
                             "{{ }}",
                             "{{ a",
                             "{% for in x %}",
                             "{# a",
                             "{{ 'a }}",
                             "{{ (1 }}",
                             "{{ 1] }}",
                             "{% set 1 = 2 %}",
                             "{% nonsense %}",
                             "{% break %}",
                             "{{ a ? b }}",
                             "{{ f(a=1, 2) }}",
                             "{% set none = 1 %}",
                             "{{ 012 }}",
                             "{{ '\\x4' }}",
                             "{% for x, in [] %}{% endfor %}",
                             "{% if x %}{% else %}{% else %}{% endif %}",
                             "{{ 1 is odd is even }}",
                             "\xff"}) {
    expect_error(source, ErrorCode::kBadFile, "");
  }
  expect_error("a\n{% for x in y %}\n{% endif %}", ErrorCode::kBadFile,
               "line 3: the tag \"endif\"");
}

TEST(ChatTemplateTest, WhatIsOutsideTheSubsetIsNamed) {
  const Case cases[] = {{"{% include 'x' %}", "the block include"},
                        {"{% block a %}{% endblock %}", "the block block"},
                        {"{% raw %}{{{% endraw %}", "the block raw"},
                        {"{% for x in y recursive %}{% endfor %}", "a recursive loop"},
                        {"{{ x|dictsort }}", "the filter dictsort"},
                        {"{{ 1 is divisibleby 3 }}", "the test divisibleby"},
                        {"{{ 'a'.zfill(3) }}", "the method zfill of a text"},
                        {"{{ messages.append(1) }}", "the method append of a list"},
                        {"{{ messages[0].items }}", "the attribute items of a dict"},
                        {"{{ ''.__class__ }}", "the attribute __class__ of a text"},
                        {"{{ lipsum() }}", "the function lipsum"},
                        {"{% for x in [1] %}{{ loop.cycle(1) }}{% endfor %}", "loop.cycle"},
                        {"{% for x in [1] %}{{ loop }}{% endfor %}", "loop as a value"},
                        {"{{ [1] }}", "a list as text"},
                        {"{{ 1.5 }}", "the number 1.5"},
                        {"{{ 3 / 2 }}", "the operator /"},
                        {"{{ 'ß'|upper }}", "upper of a text outside ASCII"},
                        {"{{ 9223372036854775807 + 1 }}", "beyond 64 bits"},
                        {"{{ f(*a) }}", "* before an argument"},
                        {"{{ strftime_now('%c') }}", "the time format %c"},
                        {"{{ messages|tojson(indent=0) }}", "tojson with other settings"},
                        {"{{ messages|map(attribute='a.b')|list }}", "map with anything but"},
                        {"{{ messages|selectattr('0')|list }}", "selectattr and rejectattr with"}};
  for (const Case& c : cases) expect_error(c.source, ErrorCode::kUnsupported, c.output);
  expect_error("a\n\n{{ x|dictsort }}", ErrorCode::kUnsupported, "line 3: the filter dictsort");
}

std::string repeated(const std::string& part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

TEST(ChatTemplateTest, HostileTemplatesComeToAnEnd) {
  const std::string doubled = repeated("{% set x = x + x %}", 40);
  const Case cases[] = {
      {"{% set r = range(100000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor "
       "%}",
       "steps"},
      {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "levels"},
      {"{{ 'a' * 99999999999 }}", "MiB"},
      {"{{ [1] * 99999999999 }}", "MiB"},
      {"{% set x = 'a' * 33554432 %}{{ x }}{{ x }}", "output"},
      {"{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% "
       "endfor "
       "%}",
       "lists nested too deep"},
      {"{% set s = 'a' * 1000000 %}{{ s|replace('', s) }}", "MiB"},
      {"{% set t = ('b',) * 1000000 %}{% for i in range(100000) %}{{ 'a'.startswith(t) }}{% endfor "
       "%}",
       "steps"},
      {"{% set t = ('b' * 1000000,) %}{% for i in range(100000) %}{{ ('a' * 9).endswith(t * 9) }}"
       "{% endfor %}",
       "steps"},
      {"{% set s = 'a' * 9000000 %}{% for c in s %}{% endfor %}", "MiB"}};
  for (const Case& c : cases) expect_error(c.source, ErrorCode::kTooLong, c.output);
  expect_error("{% set x = 'aaaaaaaa' %}" + doubled, ErrorCode::kTooLong, "MiB");
  expect_error("{% set x = [1] %}" + doubled, ErrorCode::kTooLong, "MiB");
  // Equal without being the same: without a limit 2^40 comparisons.
  expect_error("{% set x, y = [1], [1] %}" +
                   repeated("{% set x = [x, x] %}{% set y = [y, y] %}", 40) + "{{ x == y }}",
               ErrorCode::kTooLong, "steps");
  expect_error("{{ " + repeated("(", 5000) + "1" + repeated(")", 5000) + " }}", ErrorCode::kTooLong,
               "nested");
  expect_error("{{ " + repeated("not ", 5000) + "1 }}", ErrorCode::kTooLong, "nested");
  expect_error("{{ " + repeated("-", 5000) + "1 }}", ErrorCode::kTooLong, "nested");
  expect_error("{{ 1" + repeated("+1", 5000) + " }}", ErrorCode::kTooLong, "nested");
  expect_error("{{ a" + repeated(".a", 5000) + " }}", ErrorCode::kTooLong, "nested");
  expect_error("{{ 1" + repeated(" if 1 else 1", 5000) + " }}", ErrorCode::kTooLong, "nested");
  expect_error(repeated("{% if 1 %}", 5000), ErrorCode::kTooLong, "nested");
  expect_error(std::string((1 << 20) + 1, 'a'), ErrorCode::kTooLong, "bytes of template");
}

// A text made for quadratic search: must not take minutes.
TEST(ChatTemplateTest, SearchingIsLinear) {
  const std::string prefix = "{% set s = 'a' * 4000000 %}{% set p = 'a' * 2000000 + 'b' %}";
  EXPECT_EQ(render(prefix + "{{ p in s }}{{ s.find(p) }}{{ s.split(p)|length }}"), "False-11");
}

TEST(ChatTemplateTest, MessagesMustBeUtf8AndThere) {
  EXPECT_EQ(test::error_of([] {
              render("a", {{"user", "\xff"}});
            })->code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(test::error_of([] { render("a", {}); })->code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace expertoire
