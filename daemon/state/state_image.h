#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/state/change_book.h"
#include "daemon/state/ids.h"
#include "daemon/state/notice_book.h"
#include "daemon/state/pieces.h"

namespace cobble::state {

/// The bytes of the state file's changes and tasks, kept from one writing to the next: a writing makes anew only what has
/// changed. Tasks are kept in blocks, so that one task of thousands costs a block.
class StateImage {
 public:
  /// Drops the bytes of what has changed.
  void apply(const Effects& effects);
  /// The whole file (contract 03 section 6.2), made of what is kept and what had to be made anew.
  Pieces compose(const RecordData& data, const ChangeBook& book, const NoticeBook& notices, WallTime now);

 private:
  struct Entry {
    Piece change;
    std::vector<Piece> blocks;  ///< of its tasks
  };
  static void refresh(const std::string& id, Entry& entry, const ChangeBook& book);

  std::map<std::string, Entry, IdLess> entries_;
  std::set<std::string, IdLess> dirty_;  ///< those of which something has to be made anew
};

}  // namespace cobble::state
