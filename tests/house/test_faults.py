"""Every fault that the ledger has to bear is injected for real by a test that is named here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FAULTS = {
    "kill -9 between commit, re-read, sign, tile and publish": (
        "test_kill_9_loses_nothing_acknowledged_and_records_nothing_twice",
        "test_a_crash_between_noting_and_publishing_loses_no_checkpoint",
        "test_a_crash_between_the_entry_and_the_first_signature_goes_on",
        "test_a_process_killed_at_any_moment_breaks_no_promise",
        "test_a_database_server_killed_at_any_moment_breaks_no_promise_and_stops_nobody",
        "test_a_server_that_was_killed_is_answered_for_honestly_and_taken_up_again",
    ),
    "a torn or damaged page or tile": (
        "test_a_damaged_file_is_refused_by_name",
        "test_a_damaged_page_at_the_logs_end_is_refused",
        "test_files_that_the_server_finds_damaged_end_all_writing",
        "test_nothing_is_signed_over_an_altered_tile",
    ),
    "a full or broken disk": (
        "test_a_full_disk_refuses_what_does_not_fit_and_goes_on_when_there_is_room",
        "test_a_full_disk_of_the_server_is_told_and_ends_nothing",
        "test_a_broken_disk_ends_all_writing",
    ),
    "one bit flipped": (
        "test_a_flipped_bit_in_a_live_cell_is_named",
        "test_a_flipped_bit_anywhere_is_named_or_changed_no_row",
        "test_a_flipped_bit_in_a_heap_page_is_named_or_refused_or_changed_no_row",
        "test_one_altered_byte_in_every_column_of_the_ledgers_own_tables_is_named",
        "test_nothing_is_signed_over_an_altered_entry",
        "test_what_changed_on_the_disk_is_recorded_and_nothing_is_written_after_it",
    ),
    "an owner of the database edits a row, or rewrites all": (
        "test_an_owner_who_drops_the_triggers_and_edits_an_entry_is_found_out",
        "test_copies_that_an_owner_alters_are_found_out",
        "test_one_altered_byte_in_every_column_is_named",
        "test_one_altered_byte_in_every_column_of_an_entry_is_named",
        "test_another_key_of_the_same_name_did_not_sign",
        "test_two_trees_of_one_size_are_a_fork",
        "test_a_split_view_is_an_alarm_at_once",
    ),
    "the tail deleted, an old backup, an old signer's state": (
        "test_a_log_that_went_back_is_refused_until_recovered_and_whoever_saved_more_sees_it",
        "test_a_log_whose_signers_state_is_lost_is_taken_on_by_a_person_alone",
        "test_database_backup_and_signers_state_gone_back_together_are_found_by_a_saved_checkpoint_alone",
        "test_a_recovery_that_a_crash_cut_short_is_finished_and_refuses_until_then",
        "test_a_backup_is_restored_on_the_other_engine_and_written_to_once_answered_for",
    ),
    "64 submissions of one key at once; the same key with another body": (
        "test_sixty_four_threads_with_one_key_get_one_entry_and_identical_receipts",
        "test_sixty_four_posts_of_one_key_at_once_are_one_entry",
        "test_the_same_key_for_another_body_is_refused",
    ),
    "two writers": (
        "test_a_second_writer_on_the_same_file_is_refused_and_forks_nothing",
        "test_two_processes_write_to_one_log_and_sign_it_without_a_fork",
        "test_a_writer_from_before_a_recovery_writes_no_more",
        "test_a_server_that_is_stopped_under_load_and_goes_on_forks_nothing",
    ),
    "a database that stands still, or a network that is cut": (
        "test_a_stopped_server_is_given_up_by_all_who_wait_and_taken_up_when_it_goes_on",
        "test_a_network_that_is_cut_in_a_commit_records_once_what_is_sent_again",
        "test_a_database_that_is_stopped_under_load_is_answered_for_and_taken_up_again",
    ),
    "the clock an hour back, a day ahead": (
        "test_a_clock_that_was_set_stops_the_log_until_a_person_answers_for_it",
        "test_a_clock_accepted_behind_the_log_is_believed_until_it_has_caught_up",
        "test_a_machine_that_starts_with_its_clock_behind_the_log_records_nothing",
    ),
    "an erasure without its entry; another value in the place of an erased one": (
        "test_an_erasure_without_its_entry_is_named",
        "test_a_value_swapped_in_for_an_erased_one_is_named",
    ),
    "a key rotated under load; a revoked key used": (
        "test_a_rotation_under_load_loses_nothing_and_every_checkpoint_verifies",
        "test_a_late_signature_of_a_revoked_key_is_refused",
    ),
    "a witness or timestamp service that is down, slow or lies": (
        "test_a_witness_that_is_down_costs_one_entry_and_no_write",
        "test_a_slow_witness_holds_up_neither_writes_nor_another",
        "test_a_lying_witness_is_not_believed_and_cannot_grow_the_log",
        "test_an_authority_that_fails_costs_one_entry_and_no_write",
    ),
    "too large, too deep, surrogates, duplicate keys": (
        "test_data_of_more_than_a_mebibyte_is_too_large",
        "test_what_may_not_be_said_is_refused_with_its_place",
        "test_a_source_that_could_not_be_read_back_is_refused_before_anything_is_written",
        "test_a_route_takes_no_other_body",
    ),
}


def written() -> set[str]:
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        found |= set(re.findall(r"^def (test_\w+)\(", path.read_text("utf-8"), re.MULTILINE))
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_injected_by_the_tests_that_are_named_for_it(fault: str) -> None:
    assert set(FAULTS[fault]) <= written()
