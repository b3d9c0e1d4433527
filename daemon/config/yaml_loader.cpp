#include "daemon/config/yaml_loader.h"

#include "daemon/config/yaml_mistakes.h"
#include "daemon/core/utf8.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <sstream>
#include <unordered_map>
#include <vector>

namespace procctl {
namespace {

// Thrown through the library's parser to end it; what is wrong has been reported.
struct stop_reading {};

struct place {
    int line = 0;
    int column = 0;
};

place place_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

// What a finished value costs where an alias repeats it.
struct cost {
    std::size_t nodes = 1;
    std::size_t text = 0;
    int height = 0; // of lists and maps within one another
};

// Builds the tree from the library's events, which come in the order of the text. The library's own tree
// would cost more memory, lose what was quoted, and forgive duplicate keys.
class tree_builder : public YAML::EventHandler {
public:
    // `text` is what the library reads.
    tree_builder(std::string_view text, const std::string& file, diagnostics& out)
        : all_(text), file_(file), out_(out)
    {
    }

    [[nodiscard]] config_value take() { return std::move(root_); }
    // Where the last scalar begins that was not plain, in bytes; the end of any text when there was none.
    // Only this one can be without its closing quote, for nothing stands behind it then.
    [[nodiscard]] std::size_t last_quoted() const { return last_quoted_; }

    void OnDocumentStart(const YAML::Mark& mark) override
    {
        if (++documents_ > 1)
            stop(place_of(mark), "a second document begins here: one file holds one document");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override
    {
        config_value value;
        value.text = null_word_at(mark);
        set_place(value, place_of(mark));
        // An empty value stands where the next thing begins; the key is the better place to point at.
        if (!open_.empty() && open_.back().key) {
            value.line = open_.back().key->line;
            value.column = open_.back().key->column;
        }
        add(std::move(value), anchor, {});
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override
    {
        refuse_tag(mark, tag);
        if (tag != "?") last_quoted_ = static_cast<std::size_t>(mark.pos);
        config_value value = config_value::scalar(text);
        set_place(value, place_of(mark));
        add(std::move(value), anchor, {.text = text.size()});
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override
    {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) // its value is still open
            stop(place_of(mark), "an alias within the value that it stands for");
        const auto& [value, c] = found->second;
        // Before the copy is made.
        if (static_cast<int>(open_.size()) + c.height > yaml_max_depth) too_deep(place_of(mark));
        count(place_of(mark), c);
        attach(value, c);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override
    {
        open(config_value::kind::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override
    {
        open(config_value::kind::map, mark, tag, anchor);
    }
    void OnMapEnd() override { close(); }

private:
    // A list or map whose end has not come.
    struct frame {
        config_value value;
        YAML::anchor_t anchor;
        cost so_far;
        std::optional<config_value> key; // of a map: the key whose value comes next
        std::unordered_map<std::string, place> keys;
    };

    static void set_place(config_value& value, place where)
    {
        value.line = where.line;
        value.column = where.column;
    }

    // "null" where that word makes the value null; the mark of an empty value is where the next thing begins.
    [[nodiscard]] std::string null_word_at(const YAML::Mark& mark) const
    {
        static constexpr std::string_view blanks = " \t\r\n";
        const std::size_t bom = all_.starts_with("\xef\xbb\xbf") ? 3 : 0;
        if (mark.is_null() || bom + static_cast<std::size_t>(mark.pos) > all_.size()) return {};
        std::string_view here = all_.substr(bom + static_cast<std::size_t>(mark.pos));
        if (here.starts_with('&')) { // the anchor belongs to the value, which may stand in the next line
            here.remove_prefix(std::min(here.find_first_of(blanks), here.size()));
            here.remove_prefix(std::min(here.find_first_not_of(blanks), here.size()));
        }
        const std::string_view word = here.substr(0, here.find_first_of(" \t\r\n,:]}"));
        return word == "null" || word == "Null" || word == "NULL" ? "null" : "";
    }

    void report(place where, std::string message)
    {
        out_.push_back({severity::error, {file_, where.line, where.column}, std::move(message)});
    }

    [[noreturn]] void stop(place where, std::string message)
    {
        report(where, std::move(message));
        throw stop_reading{};
    }

    [[noreturn]] void too_deep(place where)
    {
        stop(where, "lists and maps are nested deeper than " + std::to_string(yaml_max_depth));
    }

    void refuse_tag(const YAML::Mark& mark, const std::string& tag)
    {
        // The library's own marks: "?" without a tag, "!" in quotes.
        if (tag.empty() || tag == "?" || tag == "!") return;
        report(place_of(mark),
               "the tag '" + tag +
                   "' is not allowed: every value is read as the key wants it; one that begins "
                   "with ! needs quotes");
    }

    void count(place where, const cost& c)
    {
        nodes_ += c.nodes;
        text_ += c.text;
        if (nodes_ > yaml_max_nodes)
            stop(where, "more than " + std::to_string(yaml_max_nodes) + " values, aliases expanded");
        if (text_ > yaml_max_text) stop(where, "more than 4 MiB of text, aliases expanded");
    }

    void open(config_value::kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor)
    {
        refuse_tag(mark, tag);
        if (!open_.empty() && open_.back().value.type == config_value::kind::map && !open_.back().key)
            stop(place_of(mark),
                 "a key must be a single value; a value that begins with { or [ needs quotes");
        if (static_cast<int>(open_.size()) == yaml_max_depth) too_deep(place_of(mark));
        frame f{.value = {}, .anchor = anchor, .so_far = {.height = 1}, .key = {}, .keys = {}};
        f.value.type = kind;
        set_place(f.value, place_of(mark));
        count(place_of(mark), {});
        open_.push_back(std::move(f));
    }

    void close()
    {
        frame done = std::move(open_.back());
        open_.pop_back();
        if (done.anchor != YAML::NullAnchor) anchors_[done.anchor] = {done.value, done.so_far};
        attach(std::move(done.value), done.so_far);
    }

    void add(config_value value, YAML::anchor_t anchor, const cost& c)
    {
        count({value.line, value.column}, c);
        if (anchor != YAML::NullAnchor) anchors_[anchor] = {value, c};
        attach(std::move(value), c);
    }

    // Puts a finished value where it belongs: it has been counted.
    void attach(config_value value, const cost& c)
    {
        if (open_.empty()) {
            root_ = std::move(value);
            return;
        }
        frame& parent = open_.back();
        parent.so_far.nodes += c.nodes;
        parent.so_far.text += c.text;
        parent.so_far.height = std::max(parent.so_far.height, c.height + 1);
        if (parent.value.type == config_value::kind::list) {
            parent.value.items.push_back(std::move(value));
        } else if (!parent.key) {
            take_key(parent, std::move(value));
        } else {
            parent.value.entries.emplace_back(std::move(*parent.key), std::move(value));
            parent.key.reset();
        }
    }

    void take_key(frame& parent, config_value key)
    {
        const place where{key.line, key.column};
        if (key.type == config_value::kind::null)
            stop(where, "a key is missing; write 'null' or '~' in quotes when that is the key");
        if (key.type != config_value::kind::scalar) stop(where, "a key must be a single value");
        if (key.text == "<<")
            report(where, "merge keys ('<<') are not supported: what programs share stands under 'defaults'");
        const auto [first, is_new] = parent.keys.emplace(key.text, where);
        if (!is_new)
            report(where, "duplicate key '" + key.text + "': it stands also at " + file_ + ':' +
                              std::to_string(first->second.line) + ':' +
                              std::to_string(first->second.column));
        parent.key = std::move(key);
    }

    std::string_view all_;
    const std::string& file_;
    diagnostics& out_;
    int documents_ = 0;
    config_value root_;
    std::vector<frame> open_;
    std::unordered_map<YAML::anchor_t, std::pair<config_value, cost>> anchors_;
    std::size_t nodes_ = 0;
    std::size_t text_ = 0;
    std::size_t last_quoted_ = yaml_max_bytes;
};

// The first thing of the text that no YAML may contain; npos when there is none.
std::size_t find_control_character(std::string_view text)
{
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) return at;
    }
    return std::string_view::npos;
}

bool check_bytes(std::string_view text, const std::string& file, diagnostics& out)
{
    const auto report = [&](std::size_t byte, std::string message) {
        out.push_back({severity::error, position_of(text, byte, file), std::move(message)});
        return false;
    };
    if (text.size() > yaml_max_bytes) {
        out.push_back({severity::error, {file}, "the file is larger than 1 MiB"});
        return false;
    }
    if (const auto at = find_control_character(text); at != std::string_view::npos) {
        if (text[at] == '\0') return report(at, "a NUL: this is no text file");
        static constexpr std::string_view digits = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(text[at]);
        std::string escape = "\\x";
        (escape += digits[byte >> 4]) += digits[byte & 15];
        return report(at, "a control character: write it as " + escape + " in double quotes");
    }
    if (const auto at = find_invalid_utf8(text); at != std::string_view::npos)
        return report(at, "invalid UTF-8");
    return true;
}

std::string_view line_of(std::string_view text, int number)
{
    for (; number > 1 && !text.empty(); --number) {
        const auto end = text.find('\n');
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return text.substr(0, text.find('\n'));
}

// The library has accepted, or given up, a text whose last quote is never closed. `scalar` counts from the
// first byte that the library sees, which is that after a byte order mark.
bool has_unclosed_quote(std::string_view text, std::size_t scalar, const std::string& file, diagnostics& out)
{
    const std::size_t skipped = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
    const auto quote = find_unclosed_quote(text, skipped + scalar);
    if (quote == std::string_view::npos) return false;
    out.push_back(
        {severity::error, position_of(text, quote, file), "the quote that opens here is never closed"});
    return true;
}

} // namespace

std::optional<config_value> load_yaml(std::string_view text, const std::string& file, diagnostics& out)
{
    if (!check_bytes(text, file, out)) return std::nullopt;
    if (const auto section = find_ini_section(text); section != std::string_view::npos) {
        out.push_back({severity::error, position_of(text, section, file),
                       "this looks like a unit or ini file, not YAML: write a mapping 'programs:'"});
        return std::nullopt;
    }
    tree_builder builder(text, file, out);
    try {
        // A last line without its end would make another error of an open quote, one without its place.
        std::istringstream stream(std::string(text) + (text.ends_with('\n') ? "" : "\n"));
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
        if (has_unclosed_quote(text, builder.last_quoted(), file, out)) return std::nullopt;
        return builder.take();
    } catch (const stop_reading&) {
        return std::nullopt;
    } catch (const YAML::Exception& e) {
        // What is missing at the end may have been swallowed by a quote, that of the value read last or of
        // the one that was not expected.
        if (has_unclosed_quote(text, builder.last_quoted(), file, out)) return std::nullopt;
        if (e.msg.starts_with("end of ") && !e.mark.is_null() &&
            has_unclosed_quote(text, static_cast<std::size_t>(e.mark.pos), file, out))
            return std::nullopt;
        source_position where{file};
        if (!e.mark.is_null()) where = {file, e.mark.line + 1, e.mark.column + 1};
        const auto column = static_cast<std::size_t>(where.column);
        out.push_back({severity::error, where, explain_yaml_error(e.msg, line_of(text, where.line), column)});
    } catch (const std::exception& e) { // the library lets the standard library's through
        out.push_back({severity::error, {file}, std::string("not valid YAML: ") + e.what()});
    }
    return std::nullopt;
}

} // namespace procctl
