// Whatever stands in the settings file: settings come of it, and every mistake is reported at a place.
#include "daemon/config/settings_file.h"
#include "daemon/config/yaml_loader.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace procctl;
    diagnostics problems;
    const auto tree = load_yaml({reinterpret_cast<const char*>(data), size}, "/f", problems);
    if (!tree) return 0;
    const auto base = default_settings(scope::system, [](const char*) { return std::string(); });
    settings s = parse_settings(*base, *tree, "/srv/f", problems);
    complete_settings(s, problems);
    for (const std::string& path : {s.conf_d, s.socket, s.log_dir, s.state_dir})
        if (!path.starts_with('/')) std::abort();
    for (const diagnostic& d : problems)
        if (d.message.empty() || d.where.line == 0) std::abort();
    return 0;
}
