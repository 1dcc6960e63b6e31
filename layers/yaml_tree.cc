#include "layers/yaml_tree.h"

#include <istream>
#include <optional>
#include <streambuf>
#include <unordered_map>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "layers/yaml_text.h"

namespace cobble::layers {

namespace {

/// A problem that we see and yaml-cpp doesn't.
struct Refused {
  int line;  ///< from 1
  std::string problem;
};

/// Builds the tree from yaml-cpp's events.
class Builder final : public YAML::EventHandler {
 public:
  Builder(YamlTree& tree, std::string_view text) : tree_(tree), text_(text) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw Refused{mark.line + 1, "did not find expected <document start>"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode& node = make(mark, anchor, YamlNode::Kind::null, "");
    const auto position = static_cast<std::size_t>(mark.pos);
    node.explicit_null = position < text_.size() && (text_[position] == '~' || text_[position] == 'n' || text_[position] == 'N');
    add(node);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refused{mark.line + 1, "unknown anchor referenced"};
    for (const Open& open : open_) {
      if (open.node == found->second) throw Refused{mark.line + 1, "anchor value contains itself"};
    }
    add(*found->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    YamlNode& node = make(mark, anchor, YamlNode::Kind::scalar, tag);
    node.quoted = tag == "!";
    node.text = value;
    add(node);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(mark, anchor, YamlNode::Kind::sequence, tag));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(make(mark, anchor, YamlNode::Kind::mapping, tag));
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode* node;
    const YamlNode* key = nullptr;
  };

  YamlNode& make(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind, const std::string& tag) {
    YamlNode& node = tree_.nodes.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
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

  void open(YamlNode& node) {
    if (open_.size() >= max_yaml_depth) throw Refused{node.line, "exceeded max depth of " + std::to_string(max_yaml_depth)};
    add(node);
    open_.push_back({&node});
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

std::optional<std::string> run(std::string& text, Builder& builder) {
  const auto problem = [](int line, const std::string& message) {
    return line > 0 ? "yaml: line " + std::to_string(line) + ": " + message : "yaml: " + message;
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
    return problem(error.mark.line + 1, error.msg);
  }
}

}  // namespace

std::expected<YamlTree, std::string> parse_yaml(std::string_view text) {
  auto prepared = prepare_yaml(text);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  const std::size_t size = prepared->size();
  // The marker at the end is a sentinel: a quote that is still open then is an error. It needs a line of its own, whose line end
  // a block scalar at the very end would take for its own: that is taken away again.
  const bool cut_line = size > 0 && prepared->back() != '\n';
  *prepared += cut_line ? "\n...\n" : "...\n";
  YamlTree tree;
  Builder builder(tree, std::string_view(*prepared).substr(0, size));
  std::string original(*prepared);
  if (auto problem = run(original, builder)) return std::unexpected(std::move(*problem));
  if (cut_line && !tree.nodes.empty()) {
    YamlNode& last = tree.nodes.back();
    const bool block = last.kind == YamlNode::Kind::scalar && last.quoted && last.text.ends_with('\n') &&
                       prepared->at(size - 1) != '"' && prepared->at(size - 1) != '\'';
    if (block) last.text.pop_back();
  }
  return tree;
}

}  // namespace cobble::layers
