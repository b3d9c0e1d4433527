#include "common/result.h"

#include <stdexcept>

#include <errno.h>

namespace procctl {

std::string error::message() const
{
    if (!code) return context;
    if (context.empty()) return code.message();
    return context + ": " + code.message();
}

error last_error(std::string context) { return make_error(errno, std::move(context)); }

error make_error(int errno_value, std::string context)
{
    return {std::error_code(errno_value, std::generic_category()), std::move(context)};
}

error make_error(std::string sentence) { return {{}, std::move(sentence)}; }

void throw_exception_from_error(const error& e, const boost::source_location&)
{
    throw std::logic_error("value() of a failed result: " + e.message());
}

} // namespace procctl
