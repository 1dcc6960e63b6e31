#pragma once

#include <string>
#include <string_view>

/// Text in the language of manual pages, man(7). Pure.
namespace cobble::client {

/// Text in which nothing is a request or an escape, in lines that are not too long.
std::string roff_text(std::string_view text);
/// The same in bold or italic, on one line; for names that must not be broken.
std::string roff_bold(std::string_view text);
std::string roff_italic(std::string_view text);
/// Paragraphs, which stand apart by blank lines in `text`.
std::string roff_paragraphs(std::string_view text);
/// `head`, which is roff already, with `text` indented below it.
std::string roff_entry(const std::string& head, std::string_view text);
/// Lines that stay as they are.
std::string roff_example(std::string_view text);

}  // namespace cobble::client
