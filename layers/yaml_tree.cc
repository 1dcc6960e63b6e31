#include "layers/yaml_tree.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <istream>
#include <optional>
#include <streambuf>
#include <unordered_map>
#include <utility>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "layers/utf8.h"
#include "layers/yaml_text.h"

namespace cobble::layers {

namespace {

/// A problem that we see and yaml-cpp doesn't.
struct Refused {
  int line;  ///< from 1
  std::string problem;
};

/// The text of a scalar as UTF-8: yaml-cpp gives the escapes `\N` and `\_` as single bytes.
std::string repaired(const std::string& text) {
  if (std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) return text;
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    std::uint32_t code_point = 0;
    const std::size_t length = decode_utf8(rest, code_point);
    append_utf8(out, length == 0 ? static_cast<unsigned char>(rest[0]) : code_point);
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

/// Builds the tree from yaml-cpp's events.
class Builder final : public YAML::EventHandler {
 public:
  Builder(YamlTree& tree, std::string_view text) : tree_(tree), text_(text) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw Refused{mark.line + 1, "did not find expected <document start>"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const std::string_view rest = text_.substr(std::min(static_cast<std::size_t>(mark.pos), text_.size()));
    const bool is_explicit =
        rest.starts_with('~') || rest.starts_with("null") || rest.starts_with("Null") || rest.starts_with("NULL");
    check_missing(mark, is_explicit);
    if (is_explicit) check_indented(mark);
    YamlNode& node = make(mark, anchor, YamlNode::Kind::null, "");
    node.explicit_null = is_explicit;
    add(node);
  }

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    const auto allowed = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
    };
    if (!std::ranges::all_of(name, allowed))
      throw Refused{mark.line + 1, "did not find expected alphabetic or numeric character"};
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check_indented(mark);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refused{mark.line + 1, "unknown anchor referenced"};
    for (const Open& open : open_) {
      if (open.node == found->second) throw Refused{mark.line + 1, "anchor value contains itself"};
    }
    add(*found->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    check_indented(mark);
    const bool in_flow = !open_.empty() && open_.back().flow;
    if (in_flow && tag == "?" && value.starts_with(':')) throw Refused{mark.line + 1, "did not find expected node content"};
    YamlNode& node = make(mark, anchor, YamlNode::Kind::scalar, tag);
    node.quoted = tag == "!";
    node.text = repaired(value);
    if (awaits_key()) open_.back().key_mark = mark;
    add(node);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    if (style == YAML::EmitterStyle::Flow) check_indented(mark);
    open(make(mark, anchor, YamlNode::Kind::sequence, tag), style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    if (style == YAML::EmitterStyle::Flow) check_indented(mark);
    open(make(mark, anchor, YamlNode::Kind::mapping, tag), style);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode* node;
    bool flow;
    const YamlNode* key = nullptr;
    YAML::Mark key_mark = YAML::Mark::null_mark();  ///< where the last key begins, if it is a scalar
  };

  bool awaits_key() const { return !open_.empty() && open_.back().node->kind == YamlNode::Kind::mapping && !open_.back().key; }

  /// yaml-cpp makes up a null where a pair has no key at all, where a flow sequence has an item too few for its commas, and where
  /// a key of a block has no `:` behind it (it then puts the null where the key is): marks of a slip or of text that was cut off.
  void check_missing(const YAML::Mark& mark, bool is_explicit) const {
    if (open_.empty()) return;
    const Open& parent = open_.back();
    if (parent.node->kind == YamlNode::Kind::sequence) {
      if (parent.flow && !is_explicit) throw Refused{mark.line + 1, "did not find expected node content"};
    } else if (parent.key == nullptr) {
      const bool cut_off = static_cast<std::size_t>(mark.pos) >= text_.size();
      if (!is_explicit)
        throw Refused{mark.line + 1, cut_off ? "did not find expected node content" : "did not find expected key"};
    } else if (!parent.flow && parent.key_mark.pos == mark.pos) {
      throw Refused{mark.line + 1, "could not find expected ':'"};
    }
  }

  /// A value that begins a line stands to the right of its key, else it is a key that was cut off.
  void check_indented(const YAML::Mark& mark) const {
    if (open_.empty() || open_.back().flow || open_.back().key == nullptr) return;
    const YAML::Mark& key = open_.back().key_mark;
    if (key.is_null() || mark.line <= key.line || mark.column > key.column) return;
    const std::size_t line = text_.substr(0, static_cast<std::size_t>(mark.pos)).rfind('\n') + 1;
    if (text_.find_first_not_of(' ', line) >= static_cast<std::size_t>(mark.pos)) {
      throw Refused{mark.line + 1, "could not find expected ':'"};
    }
  }

  YamlNode& make(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind, const std::string& tag) {
    YamlNode& node = tree_.nodes.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    if (tag != "?" && tag != "!") node.tag = tag;
    if (anchor != YAML::NullAnchor) {
      anchors_[anchor] = &node;
      node.alias_target = true;
    }
    return node;
  }

  void add(YamlNode& node) {
    if (open_.empty()) {
      tree_.root = &node;
      return;
    }
    Open& parent = open_.back();
    if (parent.node->kind == YamlNode::Kind::sequence) {
      parent.node->items.push_back(&node);
    } else if (parent.key == nullptr) {
      parent.key = &node;
    } else {
      parent.node->pairs.emplace_back(parent.key, &node);
      parent.key = nullptr;
    }
  }

  void open(YamlNode& node, YAML::EmitterStyle::value style) {
    if (open_.size() >= max_yaml_depth) throw Refused{node.line, "exceeded max depth of " + std::to_string(max_yaml_depth)};
    if (awaits_key()) open_.back().key_mark = YAML::Mark::null_mark();
    add(node);
    open_.push_back({&node, style == YAML::EmitterStyle::Flow});
  }
  void close() { open_.pop_back(); }

  YamlTree& tree_;
  std::string_view text_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, YamlNode*> anchors_;
  int documents_ = 0;
};

/// Reads text in place.
class TextBuffer final : public std::streambuf {
 public:
  explicit TextBuffer(std::string& text) { setg(text.data(), text.data(), text.data() + text.size()); }
};

/// yaml-cpp's message in the words that libyaml has for it, which are what people search for (contract 01, section 2.1).
std::string libyaml_words(const std::string& message) {
  namespace Msg = YAML::ErrorMsg;
  static const std::array<std::pair<std::string_view, std::string_view>, 16> words{{
      {Msg::UNKNOWN_TOKEN, "found character that cannot start any token"},
      {Msg::DOC_IN_SCALAR, "found unexpected end of stream"},
      {Msg::EOF_IN_SCALAR, "found unexpected end of stream"},
      {Msg::MAP_VALUE, "mapping values are not allowed in this context"},
      {Msg::MAP_KEY, "mapping keys are not allowed in this context"},
      {Msg::BLOCK_ENTRY, "block sequence entries are not allowed in this context"},
      {Msg::END_OF_MAP, "did not find expected key"},
      {Msg::END_OF_MAP_FLOW, "did not find expected ',' or '}'"},
      {Msg::END_OF_SEQ, "did not find expected '-' indicator"},
      {Msg::END_OF_SEQ_FLOW, "did not find expected ',' or ']'"},
      {Msg::FLOW_END, "did not find expected node content"},
      {Msg::TAB_IN_INDENTATION, "found a tab character where an indentation space is expected"},
      {Msg::INVALID_ESCAPE, "found unknown escape character"},
      {Msg::INVALID_HEX, "did not find expected hexdecimal number"},
      {Msg::INVALID_UNICODE, "found invalid Unicode character escape code"},
      {Msg::ALIAS_NOT_FOUND, "did not find expected alphabetic or numeric character"},
  }};
  const auto found = std::ranges::find_if(words, [&](const auto& pair) { return message.starts_with(pair.first); });
  return found == words.end() ? message : std::string(found->second);
}

/// Whether a tab is part of the indentation of line `number` (from 0).
bool is_indented_by_tab(std::string_view text, int number) {
  std::size_t at = 0;
  for (; number > 0 && at != std::string_view::npos; --number) at = text.find('\n', at) + 1;
  const std::size_t first = text.find_first_not_of(' ', at);
  return first != std::string_view::npos && text[first] == '\t';
}

/// `lines`: how many the text has without what we put behind it.
std::optional<std::string> run(std::string& text, Builder& builder, int lines) {
  const auto problem = [lines](int line, const std::string& message) {
    return line > 0 ? "yaml: line " + std::to_string(std::min(line, lines)) + ": " + message : "yaml: " + message;
  };
  try {
    TextBuffer buffer(text);
    std::istream input(&buffer);
    YAML::Parser parser(input);
    while (parser.HandleNextDocument(builder)) {
    }
    return std::nullopt;
  } catch (const Refused& refused) {
    return problem(refused.line, refused.problem);
  } catch (const YAML::DeepRecursion&) {
    return "yaml: exceeded max depth of " + std::to_string(max_yaml_depth);
  } catch (const YAML::Exception& error) {
    const bool tab = error.msg == YAML::ErrorMsg::MAP_VALUE && is_indented_by_tab(text, error.mark.line);
    return problem(error.mark.line + 1, libyaml_words(tab ? YAML::ErrorMsg::UNKNOWN_TOKEN : error.msg));
  }
}

/// Whether the last line of a block scalar's `value`, which ends in a line end, is the last line of `source`, which doesn't: not
/// so when that is a comment, a quoted scalar, or blank.
bool ends_in_last_line(std::string_view value, std::string_view source) {
  value.remove_suffix(1);
  std::string_view line = source.substr(source.rfind('\n') + 1);
  const std::size_t first = line.find_first_not_of(' ');
  if (first != std::string_view::npos) return value.ends_with(line.substr(first));
  const std::string_view last = value.substr(value.rfind('\n') + 1);
  return !last.empty() && line.ends_with(last);
}

}  // namespace

std::expected<YamlTree, std::string> parse_yaml(std::string_view text) {
  auto prepared = prepare_yaml(text);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  const std::size_t size = prepared->size();
  // The marker at the end is a sentinel: a quote that is still open then is an error. It needs a line of its own, whose line end
  // a block scalar that ends in the last line would take for its own: that is taken away again.
  const bool cut_line = size > 0 && prepared->back() != '\n';
  *prepared += cut_line ? "\n...\n" : "...\n";
  YamlTree tree;
  const std::string_view before = std::string_view(*prepared).substr(0, size);
  Builder builder(tree, before);
  std::string original(*prepared);
  const auto lines = static_cast<int>(std::ranges::count(before, '\n')) + (cut_line ? 1 : 0);
  if (auto problem = run(original, builder, std::max(lines, 1))) return std::unexpected(std::move(*problem));
  if (cut_line && !tree.nodes.empty()) {
    YamlNode& last = tree.nodes.back();
    const bool block = last.kind == YamlNode::Kind::scalar && last.quoted && last.text.ends_with('\n');
    if (block && ends_in_last_line(last.text, before)) last.text.pop_back();
  }
  return tree;
}

}  // namespace cobble::layers
