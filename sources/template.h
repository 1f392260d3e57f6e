#pragma once
// The templates of profiles (core/profile.h), explained for users in docs/profiles.md:
//   {name}             the value of a placeholder
//   {a:b}              several values joined with a colon
//   {name|filter}      base64, url (percent encoding), second (of from and to: without a fraction)
//   [text {name} text] left out as a whole when one of its placeholders is empty; not nested
//   {{ }} [[ ]]        the character itself

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/profile.h"
#include "core/result.h"

namespace auditferry {

struct TemplateValue {
  std::string text;          // "" is empty: the placeholder has no value in this request
  std::string json;          // the value as a JSON token
  std::string whole_second;  // for the filter `second`: the text without a fraction of a second
};

TemplateValue text_value(std::string text);
TemplateValue number_value(std::uint64_t number);

// By the placeholder's name. A name that is missing is empty.
using TemplateValues = std::map<std::string, TemplateValue, std::less<>>;

class Template {
 public:
  // Errors (ErrorKind::invalid) name the position in the text.
  static Result<Template> parse(std::string_view text);

  std::vector<std::string> names() const;
  bool has_placeholders() const;
  // The name when the template is one placeholder alone, without filter; else "".
  std::string lone_placeholder() const;
  // `encode_values`: percent encoding of every value (for paths).
  std::string render(const TemplateValues& values, bool encode_values = false) const;

 private:
  enum class Filter { base64, url, second };
  struct Piece {
    std::string literal;  // when `names` is empty
    std::vector<std::string> names;
    std::vector<Filter> filters;
    int group = 0;  // number of the square bracket around it; 0: none
  };
  class Parser;

  static std::string value_of(const Piece& piece, const TemplateValues& values);
  std::vector<Piece> pieces_;
};

// Success when the template can be parsed and every placeholder is one of `known`.
Status check_template(std::string_view text, const std::vector<std::string>& known);

// True when any template of the request uses the placeholder.
bool uses_placeholder(const RequestTemplate& request, std::string_view name);

// parse() and render(); for templates that were checked when the profile was loaded. Aborts otherwise.
std::string render_template(std::string_view text, const TemplateValues& values, bool encode_values = false);

// The body: a JSON object with nested objects by the fields' paths. Fields whose placeholders give nothing
// are left out, and so are objects that would hold nothing else.
std::string build_json_body(const std::vector<TemplateField>& fields, const TemplateValues& values);

// "a=1&b=2", percent-encoded; left out as in the body. A literal array repeats its parameter.
std::string build_url_query(const std::vector<TemplateField>& fields, const TemplateValues& values);

}  // namespace auditferry
