#pragma once

#include <any>
#include <concepts>
#include <utility>

namespace auditferry {

// What an exporter type keeps of its own keys: any value that can be copied and compared. Who made it knows
// its type.
class OwnSettings {
 public:
  OwnSettings() = default;
  template <std::equality_comparable Value>
    requires(!std::same_as<Value, OwnSettings>)
  OwnSettings(Value value) : value_(std::move(value)), same_(&same_values<Value>) {}

  // Nothing when it holds another type.
  template <class Value>
  const Value* get() const {
    return std::any_cast<Value>(&value_);
  }
  // Precondition: it holds a Value.
  template <class Value>
  const Value& as() const {
    return std::any_cast<const Value&>(value_);
  }
  // Of different types: not equal.
  friend bool operator==(const OwnSettings& a, const OwnSettings& b) {
    if (!a.value_.has_value() || !b.value_.has_value()) return a.value_.has_value() == b.value_.has_value();
    return a.same_ == b.same_ && a.same_(a.value_, b.value_);
  }

 private:
  template <class Value>
  static bool same_values(const std::any& a, const std::any& b) {
    return std::any_cast<const Value&>(a) == std::any_cast<const Value&>(b);
  }

  std::any value_;
  bool (*same_)(const std::any&, const std::any&) = nullptr;
};

}  // namespace auditferry
