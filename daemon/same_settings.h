#pragma once
// Whether two settings are the same, member by member (Boost.PFR): a member that is added is compared without
// anybody having to think of it, and one that cannot be compared does not compile.

#include <algorithm>
#include <boost/pfr/core.hpp>
#include <concepts>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "config/settings.h"

namespace auditferry {

// The settings that belong to an exporter's type; in same_settings.cc. Of a type that is not known there: never.
bool same_own_settings(const ExporterSettings& a, const ExporterSettings& b);

template <class Value>
bool same_settings(const Value& a, const Value& b);

namespace detail {

template <class Value>
struct SameSettings {
  static bool of(const Value& a, const Value& b) {
    if constexpr (std::equality_comparable<Value>) {
      return a == b;
    } else {
      return members(a, b, std::make_index_sequence<boost::pfr::tuple_size_v<Value>>());
    }
  }
  template <std::size_t... Index>
  static bool members(const Value& a, const Value& b, std::index_sequence<Index...>) {
    return (same_settings(boost::pfr::get<Index>(a), boost::pfr::get<Index>(b)) && ...);
  }
};

template <class Value>
struct SameSettings<std::optional<Value>> {
  static bool of(const std::optional<Value>& a, const std::optional<Value>& b) {
    return a.has_value() == b.has_value() && (!a || same_settings(*a, *b));
  }
};

template <class Value>
struct SameSettings<std::vector<Value>> {
  static bool of(const std::vector<Value>& a, const std::vector<Value>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Value& one, const Value& other) { return same_settings(one, other); });
  }
};

template <class Key, class Value>
struct SameSettings<std::map<Key, Value>> {
  static bool of(const std::map<Key, Value>& a, const std::map<Key, Value>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& one, const auto& other) { return one.first == other.first && same_settings(one.second, other.second); });
  }
};

// Compared as a part of its exporter.
template <>
struct SameSettings<std::any> {
  static bool of(const std::any&, const std::any&) { return true; }
};

}  // namespace detail

template <class Value>
bool same_settings(const Value& a, const Value& b) {
  return detail::SameSettings<Value>::of(a, b);
}

inline bool same_exporter(const ExporterSettings& a, const ExporterSettings& b) { return same_settings(a, b) && same_own_settings(a, b); }

}  // namespace auditferry
