#include "daemon/core/command_line.h"
#include "tests/support/catch.h"

using namespace procctl;

using words = std::vector<std::string>;

TEST_CASE("a command is split into words by systemd's quoting rules", "[command_line]")
{
    const auto [text, expected] = GENERATE(table<const char*, words>({
        {"", {}},
        {"  \t ", {}},
        {"/bin/true", {"/bin/true"}},
        {"  a \t b\nc ", {"a", "b", "c"}},
        {"a 'b c' d", {"a", "b c", "d"}},
        {"a \"b c\" d", {"a", "b c", "d"}},
        {"a'b c'd", {"ab cd"}}, // quotes may stand within a word
        {"'' \"\"", {"", ""}},
        {"'a\"b' \"c'd\"", {"a\"b", "c'd"}},
        {R"(\n\t\\\"\'\s\a\b\f\r\v)", {"\n\t\\\"' \a\b\f\r\v"}},
        {R"('a\nb' "c\td")", {"a\nb", "c\td"}}, // escapes count in either quotes
        {R"(\x41\101\u00e4\U0001F600)", {"AAä😀"}},
    }));
    CAPTURE(text);
    REQUIRE(split_words(text));
    CHECK(*split_words(text) == expected);
}

TEST_CASE("what cannot be split is refused, with the byte", "[command_line]")
{
    const auto [text, part] = GENERATE(table<const char*, const char*>({
        {"a 'b", "the quote ' at byte 3 is never closed"},
        {"\"a", "the quote \" at byte 1 is never closed"},
        {"grep \\d+", "unknown escape '\\d' at byte 6"},
        {"a\\ b", "unknown escape '\\ ' at byte 2"}, // a blank is \\s, as in systemd
        {"a\\", "a backslash at the end (byte 2)"},
        {"\\x4", "2 hexadecimal digits"},
        {"\\xzz", "2 hexadecimal digits"},
        {"\\x00", "a NUL"},
        {"\\000", "a NUL"},
        {"\\400", "at most"},
        {"\\08", "3 octal digits"},
        {"\\u12", "4 hexadecimal digits"},
        {"\\ud800", "no such character"},
        {"\\U00110000", "no such character"},
    }));
    CAPTURE(text);
    const auto split = split_words(text);
    REQUIRE_FALSE(split);
    CAPTURE(split.error().message());
    CHECK(split.error().message().find(part) != std::string::npos);
    CHECK_FALSE(split_words(std::string_view("a\0b", 3)));
}

TEST_CASE("the prefixes - and : in either order, each once", "[command_line]")
{
    const auto [text, expected] = GENERATE(table<const char*, command>({
        {"/bin/a b", {{"/bin/a", "b"}, false, true}},
        {"-/bin/a", {{"/bin/a"}, true, true}},
        {":/bin/a", {{"/bin/a"}, false, false}},
        {"-:/bin/a", {{"/bin/a"}, true, false}},
        {":-/bin/a", {{"/bin/a"}, true, false}},
        {"--x", {{"-x"}, true, true}},
        {"'-/bin/a b'", {{"/bin/a b"}, true, true}},
        {"python3 -m app", {{"python3", "-m", "app"}, false, true}},
        {"%h/bin/app", {{"%h/bin/app"}, false, true}},
        {"a ';' b", {{"a", ";", "b"}, false, true}},
    }));
    CAPTURE(text);
    const auto parsed = parse_command(text);
    REQUIRE(parsed);
    CHECK(*parsed == expected);
    CAPTURE(format_command(*parsed));
    CHECK(parse_command(format_command(*parsed)).value() == *parsed);
}

TEST_CASE("a list is taken as argv", "[command_line]")
{
    CHECK(parse_command(words{"-/bin/sh", "-c", "echo 'a  b' \\n"}).value() ==
          command{{"/bin/sh", "-c", "echo 'a  b' \\n"}, true, true});
    CHECK_FALSE(parse_command(words{}));
    CHECK_FALSE(parse_command(words{""}));
    CHECK_FALSE(parse_command(words{"-", "x"}));
    CHECK_FALSE(parse_command(words{"/bin/a", std::string("x\0y", 3)}));
}

TEST_CASE("commands that cannot be meant are refused with the reason", "[command_line]")
{
    const auto [text, part] = GENERATE(table<const char*, const char*>({
        {"", "the command is empty"},
        {"''", "the first word of the command is empty"},
        {"-", "no command follows the prefix"},
        {"- /bin/a", "no command follows the prefix"},
        {"@/bin/a b", "the prefix '@' is not supported"},
        {"+/bin/a", "the prefix '+' is not supported"},
        {"-!/bin/a", "the prefix '!' is not supported"},
        {"|ls", "no shell is involved"},
        {"/bin/", "is a folder"},
        {"./run.sh", "is a relative path"},
        {"bin/run", "is a relative path"},
        {"$CMD x", "may not be a variable"},
        {"${DIR}/x", "may not be a variable"},
        {"/bin/a ; /bin/b", "write a list of commands"},
        {"/bin/a 'b", "never closed"},
        {"/bin/a \\xff", "not valid UTF-8"},
    }));
    CAPTURE(text);
    const auto parsed = parse_command(text);
    REQUIRE_FALSE(parsed);
    CAPTURE(parsed.error().message());
    CHECK(parsed.error().message().find(part) != std::string::npos);
}

TEST_CASE("any argv survives being written and read", "[command_line]")
{
    const words argv{"/bin/x", "",       " ",   "a b",         "'",        "\"",
                     "\\",     "\n\t\r", ";",   "\x01\x7f",    "ä😀",       "$A ${B} $$ %i %%",
                     "x-y",    "-:@+!|", "#no", "a'b\"c\\d\n", "{\"k\":1}"};
    const auto made = parse_command(argv);
    REQUIRE(made);
    CHECK(parse_command(format_command(*made)).value() == *made);
}
