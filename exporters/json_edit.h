#pragma once
// Changing single values of a JSON document in place: every byte that is not meant stays as it was, in the
// document and in JSON inside its strings.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace auditferry {

// A JSON pointer (RFC 6901) with two additions: the segment "*" is every member of an object and every
// element of an array; '#' at the end of a segment steps into JSON inside a string (and into an object or
// array that stands there instead of the string). In keys they are "~3" and "~2".
class JsonPath {
 public:
  struct Step {
    std::string key;
    bool any = false;
    bool embedded = false;  // '#'
  };
  // `pointer` is not empty and begins with '/'.
  static JsonPath parse(std::string_view pointer);
  const std::vector<Step>& steps() const { return steps_; }

 private:
  std::vector<Step> steps_;
};

struct JsonChange {
  enum class Kind { keep, replace, remove };
  Kind kind = Kind::keep;
  std::string text;  // of replace: a JSON value without line ends
};

struct JsonEdited {
  std::optional<std::string> text;  // nothing: nothing was changed
  std::size_t found = 0;            // values at the path
  std::size_t unreadable = 0;       // strings that should have held JSON and did not; replaced as a whole
};

// Asks `change` for every value at the path; its argument is the value's JSON. Of members with the same name
// all are meant. `json` is valid (scan_json accepts it without repairs), with or without white space. A
// string on the way that does not hold valid JSON, or holds a string again, becomes `unreadable`, a JSON
// value; an empty string, and one that is `unreadable` already, stays.
JsonEdited edit_json(std::string_view json, const JsonPath& path,
                     const std::function<JsonChange(std::string_view value)>& change,
                     const std::string& unreadable);

}  // namespace auditferry
