#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cobble::state {

/// Bytes that don't change any more, shared between what is kept and what is being written.
using Piece = std::shared_ptr<const std::string>;
/// The bytes of a whole state file.
using Pieces = std::vector<Piece>;

inline Piece make_piece(std::string text) {
  text.shrink_to_fit();
  return std::make_shared<const std::string>(std::move(text));
}

/// Appends piece after piece with commas in between.
class CommaList {
 public:
  explicit CommaList(Pieces& out) : out_(out) {}
  void add(const Piece& piece) {
    if (comma_) {
      out_.push_back(comma_);
    } else {
      comma_ = make_piece(",");
    }
    out_.push_back(piece);
  }
  bool empty() const { return !comma_; }

 private:
  Pieces& out_;
  Piece comma_;
};

}  // namespace cobble::state
