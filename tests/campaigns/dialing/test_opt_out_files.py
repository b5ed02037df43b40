"""Opt-outs on disk, until the database has them."""

from telebridge.campaigns.dialing.opt_out_files import OptOut, OptOutFiles

ADA = OptOut("+12125550100", "CA1")
BOB = OptOut("+12125550101", "CA2")


def test_what_was_kept_is_there_for_whoever_comes_next(tmp_path):
    files = OptOutFiles(tmp_path / "opt-outs")
    assert list(files.saved()) == []
    files.save(ADA)
    files.save(ADA)
    files.save(BOB)
    assert list(OptOutFiles(tmp_path / "opt-outs").saved()) == [ADA, BOB]
    files.remove(ADA)
    files.remove(ADA)
    assert list(files.saved()) == [BOB]


def test_a_file_that_cannot_be_read_hides_no_other(tmp_path):
    files = OptOutFiles(tmp_path)
    files.save(BOB)
    (tmp_path / "CA0.json").write_text("{")
    (tmp_path / "CA1.json").write_text('{"name": "Ada"}')
    assert list(files.saved()) == [BOB]
    assert (tmp_path / "CA0.json").exists()


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "taken").write_text("")
    OptOutFiles(tmp_path / "taken").save(ADA)
    assert list(OptOutFiles(tmp_path / "taken").saved()) == []
