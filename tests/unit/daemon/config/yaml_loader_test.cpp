#include "daemon/config/yaml_loader.h"
#include "tests/support/catch.h"

using namespace procctl;

namespace {

struct outcome {
    std::optional<config_value> tree;
    std::vector<std::string> problems;
};

outcome load(std::string_view text)
{
    diagnostics out;
    outcome result;
    result.tree = load_yaml(text, "f", out);
    for (const diagnostic& d : out)
        result.problems.push_back(d.text());
    return result;
}

// The tree as JSON; what is wrong instead, when something is.
std::string json_of(std::string_view text)
{
    const outcome result = load(text);
    return result.problems.empty() ? to_json(*result.tree) : result.problems.front();
}

} // namespace

TEST_CASE("a null keeps the word for it", "[yaml_loader]")
{
    const auto text = GENERATE(as<std::string>{}, "a: null", "a: Null\n", "{a: NULL}", "a: null # none",
                               "\xef\xbb\xbf# \u00e4\xf0\x9f\x98\x80\na:\r\n  null\r\n", "x: &n null\na: *n",
                               "a: &n null", "b: \u00e4\nc: [\u00e4, '\u00e4']\na: null");
    CAPTURE(text);
    const outcome loaded = load(text);
    REQUIRE(loaded.tree);
    const config_value* const value = loaded.tree->find("a");
    REQUIRE(value != nullptr);
    CHECK(value->type == config_value::kind::null);
    CHECK(value->text == "null");
}

TEST_CASE("nothing is no word", "[yaml_loader]")
{
    const auto text = GENERATE(as<std::string>{}, "a:", "a: ~", "a:\nnull_: 1", "a: # null", "a: &n\nb: *n",
                               "{a: , null_: x}");
    CAPTURE(text);
    const outcome loaded = load(text);
    REQUIRE(loaded.tree);
    const config_value* const value = loaded.tree->find("a");
    REQUIRE(value != nullptr);
    CHECK(value->text.empty());
}

TEST_CASE("YAML becomes a tree of texts", "[yaml_loader]")
{
    const auto [text, expected] = GENERATE(table<const char*, const char*>({
        {"", "null"},
        {"# nothing\n", "null"},
        {"---\n", "null"},
        {"a: 1\nb: yes\n", R"({"a":"1","b":"yes"})"},
        {"a: no\nb: 022\nc: 1.50\nd: 0x1f\ne: 2026-01-01",
         R"({"a":"no","b":"022","c":"1.50","d":"0x1f","e":"2026-01-01"})"},
        {"a: ~\nb: null\nc:\nd: ''\ne: 'null'", R"({"a":null,"b":null,"c":null,"d":"","e":"null"})"},
        {"[a, [b, c], {d: e}]", R"(["a",["b","c"],{"d":"e"}])"},
        {"- a\n- - b\n  - c\n", R"(["a",["b","c"]])"},
        {"a: \"x\\ty\\u00e4\"\nb: 'it''s'", R"({"a":"x\tyä","b":"it's"})"},
        {"a: |\n  l1\n  l2\nb: >-\n  w1\n  w2\n", R"({"a":"l1\nl2\n","b":"w1 w2"})"},
        {"a: &x {k: v}\nb: *x\n", R"({"a":{"k":"v"},"b":{"k":"v"}})"},
        {"a: &x 1\nb: [*x, *x]\n", R"({"a":"1","b":["1","1"]})"},
        {"\xef\xbb\xbf"
         "a: 1",
         R"({"a":"1"})"}, // a byte order mark
        {"a: -/bin/x --y=z :w\n", R"({"a":"-/bin/x --y=z :w"})"},
        {"a: :/bin/x\n", R"({"a":":/bin/x"})"},
        {"a: 1\r\nb: 2\r\n", R"({"a":"1","b":"2"})"},
        {"'a b': 1\n12: 2\n", R"({"a b":"1","12":"2"})"},
        {"%YAML 1.2\n---\na: 1\n...\n", R"({"a":"1"})"},
    }));
    CAPTURE(text);
    CHECK(json_of(text) == expected);
}

TEST_CASE("values know where they stand", "[yaml_loader]")
{
    const auto tree = load("a: 1\nb:\n  - x\n  - {k: v}\nc:\n\n\nd: ä\n").tree;
    REQUIRE(tree);
    const auto at = [](const config_value& v) { return std::pair(v.line, v.column); };
    CHECK(at(*tree->find("a")) == std::pair(1, 4));
    CHECK(at(tree->entries[1].first) == std::pair(2, 1));
    CHECK(at(tree->find("b")->items[0]) == std::pair(3, 5));
    CHECK(at(*tree->find("b")->items[1].find("k")) == std::pair(4, 9));
    CHECK(at(*tree->find("c")) == std::pair(5, 1)); // nothing: at its key
}

TEST_CASE("what is refused, and where", "[yaml_loader]")
{
    const auto [text, expected] = GENERATE(table<const char*, const char*>({
        {"a: 1\nb: 2\na: 3", "f:3:1: error: duplicate key 'a': it stands also at f:1:1"},
        {"a: 1\n--- \nb: 2", "f:2:1: error: a second document begins here"},
        {"a: !!int 1", "f:1:4: error: the tag 'tag:yaml.org,2002:int' is not allowed"},
        {"a: !x [1]", "f:1:4: error: the tag '!x' is not allowed"},
        {"a: &x\n  k: *y", "f:2:6: error: not valid YAML: "},
        {"x: &x {k: v}\na:\n  <<: *x", "f:3:3: error: merge keys ('<<') are not supported"},
        {"a: &x [*x]", "f:1:8: error: an alias within the value that it stands for"},
        {"? [a]\n: b", "f:1:3: error: a key must be a single value"},
        {"? &k a\n: b\nc: {*k : 1}", ""},
        {"{a: {b}: c}", "error"},
        {": a", "f:1:1: error: a key is missing"},
        {"~: a", "f:1:1: error: a key is missing"},
        {"a: b: c",
         "f:1:5: error: not valid YAML: illegal map value; a value that contains ': ' needs quotes"},
        {"a: %i", "f:1:4: error: not valid YAML: unknown token; a value that begins with % needs quotes"},
        {"a: @x", "needs quotes"},
        {"a: !/x", "f:1:4: error: the tag '!/x' is not allowed: every value is read as the key wants it; one "
                   "that begins with ! needs quotes"},
        {"a: |/x",
         "f:1:5: error: not valid YAML: unexpected character in block scalar; a value that begins with "
         "| or > needs quotes, unless it is a text of several lines"},
        {"a: [|!/x]", "a value that begins with | needs quotes"},
        {"a: *x", "a value that begins with * needs quotes, unless it is an alias"},
        {"a:\n\tb: 1", "f:2:3: error: not valid YAML: a tab in the indentation"},
        {"a: [1, 2", "not valid YAML"},
        {"a: 'x", "f:1:4: error: the quote that opens here is never closed"},
        {"a: \"\\q\"", "not valid YAML"},
        {"a: 1\nb: \x1b[31m", "f:2:4: error: a control character: write it as \\x1b in double quotes"},
        {"a: \xff", "f:1:4: error: invalid UTF-8"},
        {"\xff\xfe"
         "a",
         "f:1:1: error: invalid UTF-8"}, // UTF-16
    }));
    CAPTURE(text);
    const outcome result = load(text);
    if (std::string_view(expected).empty()) {
        CHECK(result.problems.empty());
        return;
    }
    REQUIRE_FALSE(result.problems.empty());
    CAPTURE(result.problems.front());
    CHECK(result.problems.front().find(expected) != std::string::npos);
}

TEST_CASE("a quote that is never closed is refused where it opens", "[yaml_loader]")
{
    const auto [text, where] = GENERATE(table<std::string, const char*>({
        {"p:\n  half:\n    run: \"/bin/sleep 77\n  other:\n    run: /bin/sleep 78\n", "f:3:10"},
        {"p:\n  half:\n    run: '/bin/sleep 77\n  other:\n    run: /bin/sleep 78\n", "f:3:10"},
        {"a: \"x", "f:1:4"},
        {"a: \"", "f:1:4"},
        {"a: \"x\\\"\nb: 1\n", "f:1:4"},
        {"a: \"x\\", "f:1:4"},
        {"a: 'it''s\nb: 1\n", "f:1:4"},
        {"a: 'x''", "f:1:4"},
        {"a: 'x \"y\"\nb: 1\n", "f:1:4"},
        {"a: 'x'\nb: \"y\"\nc: 'z\n", "f:3:4"},
        {"a: &x 'y\nb: 1\n", "f:1:7"},
        {"a: &x # why\n  'y\nb: 1\n", "f:2:3"},
        {"a: ! 'y\nb: 1\n", "f:1:6"},
        {"- x\n- 'y\n- z\n", "f:2:3"},
        {"'a: 1\nb: 2\n", "f:1:1"},
        {"a: 1\n'b: 2\nc: 3\n", "f:2:1"},
        {"a:\n  b: 1\n  \"c: 2\nd: 3\n", "f:3:3"},
        {"? 'a\nb: 2\n", "f:1:3"},
        {"a: [x, 'y]\nb: 2\n", "f:1:8"},
        {"a: {x: \"y}\nb: 2\n", "f:1:8"},
        {"a: {x: 1, 'y: 2}\nb: 2\n", "f:1:11"},
        {"a: 1\r\nb: 'y\r\nc: 2\r\n", "f:2:4"},
        {"# ä€😀\na: 'ä'\nb: 'y\nc: 2\n", "f:3:4"},
        {"\xef\xbb\xbf# no\na: 'y\nc: 2\n", "f:2:4"},
    }));
    CAPTURE(text);
    const outcome result = load(text);
    CHECK_FALSE(result.tree);
    CHECK(result.problems ==
          std::vector{std::string(where) + ": error: the quote that opens here is never closed"});
}

TEST_CASE("a quote that is closed is none that is not", "[yaml_loader]")
{
    const auto [text, expected] = GENERATE(table<const char*, const char*>({
        {"a: 'x'", R"({"a":"x"})"},
        {"a: ''", R"({"a":""})"},
        {"a: ''''", R"({"a":"'"})"},
        {"a: \"\\\\\"", R"({"a":"\\"})"},
        {"a: \"x\\\"\"\n", R"({"a":"x\""})"},
        {"a: 'x\n  y'\nb: 1\n", R"({"a":"x y","b":"1"})"},
        {"a: it's\nb: 5\"\n", R"({"a":"it's","b":"5\""})"},
        {"a: |\n  'x\nb: >\n  \"y\n", R"({"a":"'x\n","b":"\"y\n"})"},
        {"a: 'x' # it's\n", R"({"a":"x"})"},
        {"\xef\xbb\xbf'a': 'x'", R"({"a":"x"})"},
        {"a: 'ä€😀'\n'ä': \"ä\"", R"({"a":"ä€😀","ä":"ä"})"},
    }));
    CAPTURE(text);
    CHECK(json_of(text) == expected);
}

TEST_CASE("unit files and ini files are told by their looks", "[yaml_loader]")
{
    const std::string looks = ": error: this looks like a unit or ini file, not YAML";
    const auto [text, where] = GENERATE(table<const char*, const char*>({
        {"[Service]\nExecStart=/bin/x\n", "f:1:1"},
        {"[Unit]\nAfter=x", "f:1:1"},
        {"# mine\n\n[Unit]\nDescription=a, b: c\n\n[Service]\nExecStart=/bin/x\n", "f:3:1"},
        {"[program:x]\r\ncommand=/bin/x\r\n", "f:1:1"},
        {"; mine\n[program:x]\n; its command\n  command = /bin/x\n", "f:2:1"},
        {"[unix_http_server]\n[supervisord]\n", "f:1:1"},
    }));
    CAPTURE(text);
    const outcome result = load(text);
    CHECK_FALSE(result.tree);
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems.front().find(where + looks) == 0);
    CHECK(json_of("[a]\n") == R"(["a"])");
    CHECK(json_of("[a,\nb=c]\n") == R"(["a","b=c"])");
    CHECK(json_of("[a]\n# b=c\n") == R"(["a"])");
}

TEST_CASE("mistakes that leave the text readable are reported together", "[yaml_loader]")
{
    CHECK(load("a: 1\na: 2\nb: !!str x\nc: 3\nc: 4").problems.size() == 3);
}

TEST_CASE("a NUL is refused", "[yaml_loader]")
{
    CHECK(load(std::string_view("a: \0", 4)).problems ==
          std::vector<std::string>{"f:1:4: error: a NUL: this is no text file"});
}

TEST_CASE("a file above 1 MiB is refused, one of 1 MiB is not", "[yaml_loader]")
{
    std::string text = "a: 1\n#" + std::string(yaml_max_bytes - 6, 'x');
    CHECK(load(text).problems.empty());
    text += 'x';
    CHECK(load(text).problems == std::vector<std::string>{"f: error: the file is larger than 1 MiB"});
}

TEST_CASE("nesting deeper than 32 is refused, whatever makes it deep", "[yaml_loader]")
{
    const auto brackets = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    CHECK(load(brackets(32)).problems.empty());
    const std::string too_deep = "lists and maps are nested deeper than 32";
    CHECK(load(brackets(33)).problems.front().find(too_deep) != std::string::npos);
    CHECK_FALSE(load(std::string(500'000, '[')).problems.empty());
    CHECK_FALSE(load(std::string(500'000, '{')).problems.empty());

    std::string dashes;
    for (int n = 0; n < 100; ++n)
        dashes += "- ";
    CHECK(load(dashes + 'x').problems.front().find(too_deep) != std::string::npos);

    std::string chain = "- &a0 [x]\n";
    for (int n = 1; n < 40; ++n)
        chain += "- &a" + std::to_string(n) + " [*a" + std::to_string(n - 1) + "]\n";
    CHECK(load(chain).problems.front().find(too_deep) != std::string::npos);
}

TEST_CASE("aliases that explode are refused before they do", "[yaml_loader]")
{
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int n = 1; n < 20; ++n) {
        const std::string below = "*a" + std::to_string(n - 1);
        bomb += "a" + std::to_string(n) + ": &a" + std::to_string(n) + " [";
        for (int k = 0; k < 10; ++k)
            bomb += (k == 0 ? "" : ", ") + below;
        bomb += "]\n";
    }
    const outcome nodes = load(bomb);
    REQUIRE(nodes.problems.size() == 1);
    CHECK(nodes.problems.front().find("more than 100000 values, aliases expanded") != std::string::npos);

    std::string copies = "a: &a \"" + std::string(900'000, 'x') + "\"\nb: [";
    for (int n = 0; n < 1000; ++n)
        copies += n == 0 ? "*a" : ", *a";
    const outcome text = load(copies + "]");
    REQUIRE(text.problems.size() == 1);
    CHECK(text.problems.front().find("more than 4 MiB of text, aliases expanded") != std::string::npos);
}
