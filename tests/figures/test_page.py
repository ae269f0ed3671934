import warnings

from lstm_lab.figures.page import save, sheet


def test_a_symbol_that_the_font_lacks_is_a_box_and_no_warning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = sheet("\uffed")
        save(figure, tmp_path / "deep" / "a.png")
    assert (tmp_path / "deep" / "a.png").stat().st_size > 1000
