#pragma once

#include <map>
#include <string>
#include <string_view>

#include "daemon/api/http.h"
#include "daemon/state/notice_book.h"

/// What requests about notices say: pure functions from text to values (contract 03, sections 7.3 and 7.5).
namespace cobble::api {

/// A good body of `POST /v1/notices`.
struct AddedNotice {
  std::string key;
  std::map<std::string, std::string> data;
  base::Nanoseconds repeat_after{};
};
Result<AddedNotice> parse_added_notice(std::string_view body);

/// `LABEL(.LABEL)+(/LABEL)+` with labels of lower-case letters and digits, single hyphens inside.
bool is_notice_key(std::string_view key);

struct NoticeQuery {
  state::NoticeFilter filter;
  bool nothing = false;  ///< only unknown types were asked for
  base::Nanoseconds timeout{};
};
/// The parameters of `GET /v1/notices` and what this user may see.
Result<NoticeQuery> parse_notice_query(const Query& query, const access::RequestUser& user);

/// The length of the text of a member of the object in `json` (valid JSON), blanks inside counted; 0 when there is none. Keys in
/// any case, the last one counts.
std::size_t member_length(std::string_view json, std::string_view key);

}  // namespace cobble::api
