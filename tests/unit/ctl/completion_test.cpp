// The completions for three shells are written by hand: none of them may forget a command or an option.

#include "ctl/commands.h"
#include "tests/support/catch.h"

#include <fstream>
#include <iterator>
#include <string>

using namespace procctl::ctl;

namespace {

std::string text_of(const std::string& name)
{
    std::ifstream file(PROCCTL_SOURCE_DIR "/packaging/completion/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

void check_options(const std::string& text, std::span<const option_spec> options, bool is_fish)
{
    for (const option_spec& option : options) {
        const std::string flag(option.flags.substr(option.flags.find("--"))); // the long one
        CAPTURE(flag);
        CHECK(text.find(is_fish ? "-l " + flag.substr(2) : flag) != std::string::npos);
    }
}

} // namespace

TEST_CASE("the completions know every command and option", "[completion]")
{
    const std::string name = GENERATE(as<std::string>{}, "procctl.bash", "_procctl", "procctl.fish");
    CAPTURE(name);
    const std::string text = text_of(name);
    const bool is_fish = name == "procctl.fish";
    check_options(text, global_options(), is_fish);
    for (const command& c : commands()) {
        CAPTURE(c.name);
        CHECK(text.find(c.name.substr(c.name.find(' ') + 1)) != std::string::npos);
        check_options(text, c.own_options, is_fish);
    }
}
