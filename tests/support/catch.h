// Catch2, whichever version is installed: 2.13 (Debian 12) or 3.
#pragma once

#include "common/result.h"

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx; // version 2 has it without the namespace
#else
#include <catch2/catch.hpp>
namespace Catch::Matchers {
inline auto ContainsSubstring(const std::string& part) { return Contains(part); } // version 3's name
} // namespace Catch::Matchers
#endif

// CHECK(parse(text)) shows the error; the value need not be printable.
template <class T> struct Catch::StringMaker<boost::system::result<T, procctl::error>> {
    static std::string convert(const boost::system::result<T, procctl::error>& r)
    {
        return r ? "a value" : "error: " + r.error().message();
    }
};
