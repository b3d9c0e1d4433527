#include "daemon/config/load.h"

#include "daemon/config/config_files.h"
#include "daemon/config/program_file.h"
#include "daemon/config/settings_file.h"
#include "daemon/config/yaml_loader.h"
#include "daemon/core/program_keys_unknown.h"
#include "daemon/os/users.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>

#include <unistd.h>

namespace procctl {
namespace {

// What one file came to. It is refused as a whole when any of its problems is an error.
struct read_file {
    std::string path;
    std::vector<file_program> programs;
    diagnostics problems;
    bool is_refused = false;
    bool is_read = false; // so far that its programs are known by name
};

std::optional<config_value> read_tree(const std::string& path, bool check_ownership, diagnostics& out)
{
    const auto text = read_config_file(path, check_ownership, out);
    if (!text) return std::nullopt;
    return load_yaml(*text, path, out);
}

// Settings with every default filled in. False: the file could not be read, so what it would have said, where
// the programs are for one, is unknown.
bool load_settings(const load_request& request, bool check_ownership, load_result& loaded)
{
    auto defaults = default_settings(request.where, process_environment);
    if (!defaults) {
        loaded.problems.push_back({severity::error, {}, defaults.error().message()});
        return false;
    }
    loaded.daemon = std::move(*defaults);

    std::error_code code;
    std::string file = std::exchange(loaded.daemon.file, {});
    const bool is_default = request.settings_file.empty();
    if (!is_default)
        file = std::filesystem::absolute(request.settings_file, code).lexically_normal().string();
    const bool is_missing = is_default && ::access(file.c_str(), F_OK) != 0 && errno == ENOENT;
    bool is_readable = true;
    if (!is_missing) {
        loaded.daemon.file = file;
        const auto tree = read_tree(file, check_ownership, loaded.problems);
        is_readable = tree.has_value();
        if (tree) loaded.daemon = parse_settings(std::move(loaded.daemon), *tree, file, loaded.problems);
        if (has_errors(loaded.problems)) loaded.refused.push_back(file);
    }
    if (is_readable) complete_settings(loaded.daemon, loaded.problems);
    return is_readable;
}

read_file load_program_file(const std::string& path, bool check_ownership)
{
    read_file file;
    file.path = path;
    if (const auto tree = read_tree(path, check_ownership, file.problems)) {
        file.programs = parse_program_file(*tree, path, file.problems);
        file.is_read = true;
    }
    file.is_refused = has_errors(file.problems);
    return file;
}

std::string text_of(const source_position& where)
{
    return where.file + ':' + std::to_string(where.line) + ':' + std::to_string(where.column);
}

// A program of two files is in neither: nobody can tell which one is meant.
void refuse_duplicates(std::vector<read_file>& files)
{
    struct place {
        read_file* file;
        source_position where;
    };
    std::map<std::string, std::vector<place>> places;
    for (read_file& file : files)
        for (const file_program& p : file.programs)
            places[p.program.config.name].push_back({&file, p.program.where});
    for (const auto& [name, all] : places) {
        for (const place& here : all) {
            // Twice in one file is a duplicate key, which the loader has reported.
            const auto other = std::ranges::find_if(all, [&](const place& p) { return p.file != here.file; });
            if (other == all.end()) continue;
            here.file->is_refused = true;
            here.file->problems.push_back(
                {severity::error, here.where,
                 "the program '" + name + "' is defined twice: it stands also at " + text_of(other->where)});
        }
    }
}

// What is wrong with a name that should be that of a program or an instance; empty when nothing is.
std::string explain_mention(const std::string& name, const std::map<std::string, unsigned>& instances)
{
    const std::string program = name.substr(0, name.find('@'));
    const auto found = instances.find(program);
    if (found == instances.end()) {
        const std::string text = "there is no program '" + program + "'";
        const std::string_view unit = ".service";
        const std::string without =
            program.ends_with(unit) ? program.substr(0, program.size() - unit.size()) : "";
        std::vector<std::string_view> names;
        for (const auto& [known, count] : instances)
            names.push_back(known);
        const std::string_view near = instances.contains(without) ? without : nearest(program, names);
        return near.empty() ? text : text + ": did you mean '" + std::string(near) + "'?";
    }
    if (program.size() == name.size()) return {};
    for (unsigned n = 1; n <= found->second; ++n)
        if (name == program + '@' + std::to_string(n)) return {};
    return "there is no instance '" + name + "': the program '" + program + "' has " +
           (found->second == 0 ? "no instances" : "the instances 1 to " + std::to_string(found->second));
}

// Programs that start one another name each other across files. A name that is in no file is an error, which,
// like an unknown user, refuses an update but no file: the program can do without at the daemon's start.
// Where a file could not be read, the name may stand there, and nothing is said besides that file's own
// error. Files that are named one by one are perhaps not all there are: then it is a warning.
void check_mentions(std::vector<read_file>& files, bool is_whole)
{
    std::map<std::string, unsigned> instances; // as written: 0 without the key
    for (const read_file& file : files) {
        if (!file.is_read) return;
        for (const file_program& p : file.programs)
            instances[p.program.config.name] = p.program.config.instances;
    }
    for (read_file& file : files)
        for (const file_program& p : file.programs)
            for (const program_mention& mention : p.mentions)
                if (const std::string wrong = explain_mention(mention.name, instances); !wrong.empty())
                    file.problems.push_back({is_whole ? severity::error : severity::warning, mention.where,
                                             std::string(mention.key) + ": " + wrong +
                                                 (is_whole ? "" : " (in the files that were named)")});
}

// Looks up who the programs run as, once per identity, and reports what is unknown at the key that names it.
class identity_reader {
public:
    explicit identity_reader(std::map<std::string, resolved_identity>& found) : found_(found) {}

    void look_up(const file_program& p, diagnostics& out)
    {
        const program_config& config = p.program.config;
        const resolved_identity& who =
            resolve(identity_key(config), config.user, config.group, config.supplementary_groups);
        const source_position& group = config.group.empty() ? p.supplementary_groups : p.group;
        if (!who.who) out.push_back({severity::error, who.is_group ? group : p.user, who.message});

        const std::string owner_key = log_owner_key(config);
        if (owner_key.empty()) return;
        const resolved_identity& owner = resolve(owner_key, config.log.user, config.log.group, {});
        if (owner.who) return;
        const std::string key = owner.is_group ? "log.group: " : "log.user: ";
        out.push_back({severity::error, owner.is_group ? p.log_group : p.log_user, key + owner.message});
    }

private:
    const resolved_identity& resolve(const std::string& key, std::string_view user, std::string_view group,
                                     std::span<const std::string> supplementary_groups)
    {
        const auto [place, is_new] = found_.emplace(key, resolved_identity{});
        resolved_identity& resolved = place->second;
        if (!is_new) return resolved;
        auto who = look_up_identity(user, group, supplementary_groups);
        if (who)
            resolved.who = std::move(*who);
        else
            resolved = {std::nullopt, who.error().is_group, who.error().message};
        return resolved;
    }

    std::map<std::string, resolved_identity>& found_;
};

std::string host_name()
{
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    return name.data();
}

void look_up_own_accounts(load_result& loaded, bool through_nss)
{
    loaded.host = host_name();
    loaded.self.uid = ::geteuid();
    loaded.self.gid = ::getegid();
    if (!through_nss) return;
    if (auto self = look_up_identity({}, {}, {})) loaded.self = std::move(*self);
    if (loaded.daemon.socket_group.empty()) return;
    if (const auto group = look_up_group(loaded.daemon.socket_group)) loaded.socket_gid = *group;
}

} // namespace

std::string identity_key(const program_config& config)
{
    std::string key = config.user + '\n' + config.group + '\n';
    for (std::size_t n = 0; n < config.supplementary_groups.size(); ++n)
        key += (n == 0 ? "" : ",") + config.supplementary_groups[n];
    return key;
}

std::string log_owner_key(const program_config& config)
{
    if (config.log.user.empty() && config.log.group.empty()) return {};
    return config.log.user + '\n' + config.log.group + '\n';
}

load_result load(const load_request& request)
{
    load_result loaded;
    // Only root can be made to do what its caller could not: any other user's files are its own business.
    const bool check_ownership = request.check_ownership && ::geteuid() == 0;
    const bool has_settings = load_settings(request, check_ownership, loaded);
    look_up_own_accounts(loaded, request.look_up_users);

    std::vector<std::string> paths = request.files;
    const bool is_conf_d = paths.empty();
    if (is_conf_d && has_settings) {
        paths = list_config_files(loaded.daemon.conf_d, loaded.problems);
        if (check_ownership && !check_folder_ownership(loaded.daemon.conf_d, loaded.problems)) {
            loaded.refused.insert(loaded.refused.end(), paths.begin(), paths.end());
            loaded.files = std::move(paths);
            return loaded;
        }
    }

    std::vector<read_file> files;
    files.reserve(paths.size());
    for (const std::string& path : paths)
        files.push_back(load_program_file(path, check_ownership && is_conf_d));
    refuse_duplicates(files);
    check_mentions(files, is_conf_d);

    identity_reader identities(loaded.identities);
    for (read_file& file : files) {
        if (request.look_up_users)
            for (const file_program& p : file.programs)
                identities.look_up(p, file.problems);
        std::ranges::stable_sort(file.problems, {}, [](const diagnostic& d) { return d.where.line; });
        loaded.problems.insert(loaded.problems.end(), file.problems.begin(), file.problems.end());
        loaded.files.push_back(file.path);
        if (file.is_refused)
            loaded.refused.push_back(file.path);
        else
            for (file_program& p : file.programs)
                loaded.programs.push_back(std::move(p.program));
    }
    return loaded;
}

} // namespace procctl
