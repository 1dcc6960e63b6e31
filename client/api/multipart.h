#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// `multipart/form-data` as the files endpoint speaks it (contract 04). Pure but for the random boundary.
namespace cobble::client {

/// A fresh boundary: 60 hexadecimal digits.
std::string multipart_boundary();

/// The boundary in a Content-Type header; nullopt if that is not multipart/form-data.
std::optional<std::string> boundary_of(std::string_view content_type);

/// Takes a body as it comes and hands over its parts, without keeping them.
class MultipartReader {
 public:
  /// `begin` gets the field name of each part, `data` its content in pieces.
  MultipartReader(const std::string& boundary, std::function<void(std::string_view)> begin,
                  std::function<void(std::string_view)> data)
      : delimiter_("\r\n--" + boundary), begin_(std::move(begin)), data_(std::move(data)), buffer_("\r\n") {}

  /// False when the text is no multipart body.
  bool add(std::string_view piece);
  /// Whether the last boundary has been seen.
  bool complete() const { return state_ == State::done; }

 private:
  enum class State { preamble, after_boundary, headers, content, done };

  bool step(bool& progress);
  bool read_content(bool& progress);

  std::string delimiter_;
  std::function<void(std::string_view)> begin_;
  std::function<void(std::string_view)> data_;
  std::string buffer_;  ///< what is not decided yet
  State state_ = State::preamble;
};

}  // namespace cobble::client
