#include "exporters/json_edit.h"

#include <algorithm>

#include "encoding/byte_scan.h"
#include "encoding/json_scanner.h"
#include "encoding/json_text.h"
#include "encoding/json_view.h"

namespace auditferry {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// [begin, end) becomes `text`.
struct Edit {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string text;
};

// A value inside an object or array, with its key when it is a member.
struct Child {
  std::size_t begin = 0;  // of the key, or of the element
  std::size_t value = 0;
  std::size_t end = 0;
  bool removed = false;
};

// Positions in valid JSON that may hold white space.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  std::size_t skip_blanks(std::size_t at) const {
    while (at < text_.size() &&
           (text_[at] == ' ' || text_[at] == '\t' || text_[at] == '\n' || text_[at] == '\r'))
      ++at;
    return at;
  }
  std::size_t document() const {
    return skip_blanks(text_.starts_with(byte_order_mark) ? byte_order_mark.size() : 0);
  }

  std::size_t value_end(std::size_t at) const {
    if (at >= text_.size()) return text_.size();
    if (text_[at] == '"') return string_end(at);
    if (text_[at] != '{' && text_[at] != '[') {
      const std::size_t end = text_.find_first_of(",]} \t\n\r", at);
      return end == std::string_view::npos ? text_.size() : end;
    }
    std::size_t depth = 0;
    while (at < text_.size()) {
      const char c = text_[at];
      if (c == '"') {
        at = string_end(at);
        continue;
      }
      ++at;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) break;
    }
    return at;
  }

  // Of the object or array at `at`.
  std::vector<Child> children(std::size_t at) const {
    std::vector<Child> result;
    const bool object = text_[at] == '{';
    at = skip_blanks(at + 1);
    while (at < text_.size() && text_[at] != '}' && text_[at] != ']') {
      Child child;
      child.begin = child.value = at;
      if (object) child.value = skip_blanks(skip_blanks(string_end(at)) + 1);
      child.end = value_end(child.value);
      result.push_back(child);
      at = skip_blanks(child.end);
      if (at < text_.size() && text_[at] == ',') at = skip_blanks(at + 1);
    }
    return result;
  }

  std::string key(const Child& child) const {
    const std::size_t end = string_end(child.begin);
    return unescape_json(text_.substr(child.begin + 1, end - child.begin - 2));
  }

 private:
  std::size_t string_end(std::size_t at) const {
    const char* const end = text_.data() + text_.size();
    return static_cast<std::size_t>(byte_scan::skip_string(text_.data() + at + 1, end) - text_.data());
  }

  std::string_view text_;
};

// The string token [begin, end) of `text`, character by character, without its escapes.
class StringDecoder {
 public:
  StringDecoder(std::string_view text, std::size_t begin, std::size_t end)
      : text_(text), at_(begin + 1), last_(end - 1) {}

  // The position in `text` at which `decoded` bytes are decoded.
  std::size_t advance_to(std::size_t decoded) {
    while (decoded_ < decoded && at_ < last_) step();
    return at_;
  }
  std::string rest() {
    while (at_ < last_) step();
    return std::move(out_);
  }

 private:
  void step() {
    std::size_t length = 1;
    if (text_[at_] == '\\') {
      length = at_ + 1 < last_ && text_[at_ + 1] == 'u' ? 6 : 2;
      // The two halves of a surrogate pair make one character.
      const std::string_view pair = text_.substr(at_, 12);
      if (length == 6 && pair.size() == 12 && at_ + 12 <= last_ && is_half(pair.substr(0, 6), "89abAB") &&
          is_half(pair.substr(6), "cdefCDEF"))
        length = 12;
    }
    length = std::min(length, last_ - at_);
    if (length == 1) {
      out_ += text_[at_];
    } else {
      out_ += unescape_json(text_.substr(at_, length));
    }
    decoded_ = out_.size();
    at_ += length;
  }
  static bool is_half(std::string_view escape, std::string_view third) {
    return escape[0] == '\\' && escape[1] == 'u' && (escape[2] == 'd' || escape[2] == 'D') &&
           third.find(escape[3]) != std::string_view::npos;
  }

  std::string_view text_;
  std::size_t at_;
  std::size_t last_;  // of the closing quote
  std::size_t decoded_ = 0;
  std::string out_;
};

std::string without_quotes(std::string_view text) {
  std::string escaped;
  append_json_string(escaped, text);
  return escaped.substr(1, escaped.size() - 2);
}

class Editor {
 public:
  Editor(const JsonPath& path, const std::function<JsonChange(std::string_view)>& change,
         const std::string& unreadable, JsonEdited& result)
      : path_(path), change_(change), unreadable_(unreadable), result_(result) {}

  // The edits of a whole document, ascending; `step` is the first step of the path inside of it.
  std::vector<Edit> edits_of(std::string_view text, std::size_t step) {
    std::vector<Edit> edits;
    const Cursor cursor(text);
    descend(text, cursor.document(), step, edits);
    std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) { return a.begin < b.begin; });
    return edits;
  }

 private:
  void descend(std::string_view text, std::size_t at, std::size_t step, std::vector<Edit>& edits) {
    if (at >= text.size() || (text[at] != '{' && text[at] != '[')) return;
    const Cursor cursor(text);
    const JsonPath::Step& wanted = path_.steps()[step];
    std::vector<Child> children = cursor.children(at);
    for (std::size_t i = 0; i < children.size(); ++i) {
      Child& child = children[i];
      const bool meant =
          wanted.any || (text[at] == '{' ? cursor.key(child) == wanted.key : std::to_string(i) == wanted.key);
      if (meant) child.removed = !visit(text, child, step, edits);
    }
    remove_children(children, edits);
  }

  // False: the child is to be removed.
  bool visit(std::string_view text, const Child& child, std::size_t step, std::vector<Edit>& edits) {
    if (step + 1 < path_.steps().size()) {
      if (path_.steps()[step].embedded && text[child.value] == '"') {
        enter_string(text, child, step, edits);
      } else {
        descend(text, child.value, step + 1, edits);
      }
      return true;
    }
    ++result_.found;
    JsonChange change = change_(text.substr(child.value, child.end - child.value));
    if (change.kind == JsonChange::Kind::replace)
      edits.push_back({child.value, child.end, std::move(change.text)});
    return change.kind != JsonChange::Kind::remove;
  }

  void enter_string(std::string_view text, const Child& child, std::size_t step, std::vector<Edit>& edits) {
    const std::string_view token = text.substr(child.value, child.end - child.value);
    if (token == "\"\"" || token == unreadable_) return;
    const std::string inner = StringDecoder(text, child.value, child.end).rest();
    const Result<ScannedJson> scanned = scan_json(inner);
    // A string in the string may hold the field one level further down than the path looks.
    if (!scanned || !scanned->repairs.empty() || scanned->text.starts_with('"')) {
      ++result_.found;
      ++result_.unreadable;
      edits.push_back({child.value, child.end, unreadable_});
      return;
    }
    // The same edits, at the places where the outer document has these bytes.
    StringDecoder places(text, child.value, child.end);
    for (const Edit& edit : edits_of(inner, step + 1)) {
      const std::size_t begin = places.advance_to(edit.begin);
      const std::size_t end = places.advance_to(edit.end);
      edits.push_back({begin, end, without_quotes(edit.text)});
    }
  }

  // Takes one comma with each: the one before, or while nothing stays before it the one behind.
  static void remove_children(const std::vector<Child>& children, std::vector<Edit>& edits) {
    bool one_stays = false;
    for (std::size_t i = 0; i < children.size(); ++i) {
      if (!children[i].removed) {
        one_stays = true;
      } else if (one_stays) {
        edits.push_back({children[i - 1].end, children[i].end, ""});
      } else {
        const bool last = i + 1 == children.size();
        edits.push_back({children[i].begin, last ? children[i].end : children[i + 1].begin, ""});
      }
    }
  }

  const JsonPath& path_;
  const std::function<JsonChange(std::string_view)>& change_;
  const std::string& unreadable_;
  JsonEdited& result_;
};

}  // namespace

JsonPath JsonPath::parse(std::string_view pointer) {
  JsonPath path;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    std::string_view segment = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(segment.size());
    Step step;
    step.embedded = segment.ends_with('#');
    if (step.embedded) segment.remove_suffix(1);
    step.any = segment == "*";
    step.key = decode_pointer_segment(segment);
    path.steps_.push_back(std::move(step));
  }
  return path;
}

JsonEdited edit_json(std::string_view json, const JsonPath& path,
                     const std::function<JsonChange(std::string_view value)>& change,
                     const std::string& unreadable) {
  JsonEdited result;
  if (path.steps().empty()) return result;
  const std::vector<Edit> edits = Editor(path, change, unreadable, result).edits_of(json, 0);
  if (edits.empty()) return result;
  std::string text;
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    text += json.substr(at, edit.begin - at);
    text += edit.text;
    at = edit.end;
  }
  text += json.substr(at);
  result.text = std::move(text);
  return result;
}

}  // namespace auditferry
